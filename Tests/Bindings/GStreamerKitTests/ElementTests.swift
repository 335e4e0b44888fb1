import Testing

@testable import GStreamerKit

/// GStreamer, once for this process.
func initialiseGStreamer() throws { try GStreamer.initialise() }

struct ElementTests {
    init() throws { try initialiseGStreamer() }

    @Test func anUnknownFactoryIsATypedError() {
        #expect(throws: GStreamerError(.missingElement, "no element nosuchelement: not installed or not allowed")) {
            try Element("nosuchelement")
        }
    }

    @Test func propertiesAreSetFromTextAndReadBack() throws {
        let queue = try Element("queue", name: "q")
        try queue.set(["leaky": "downstream", "max-size-buffers": "7", "silent": "true"])
        #expect(queue.unsigned("max-size-buffers") == 7)
        #expect(queue.integer("leaky") == 2)
        #expect(queue.integer("silent") == 1)
        #expect(queue.string("name") == "q")
        #expect(queue.factoryName == "queue")
    }

    @Test func aMissingPropertyIsATypedErrorAndReadsAsNil() throws {
        let queue = try Element("queue")
        #expect(throws: GStreamerError.self) { try queue.set("no-such-property", "1") }
        #expect(queue.string("no-such-property") == nil)
        #expect(queue.unsigned("no-such-property") == nil)
        #expect(queue.object("no-such-property") == nil)
    }

    @Test(arguments: ["", "not caps at all,,", "video/x-raw,width=(int"])
    func malformedCapsAreATypedError(text: String) {
        #expect(throws: GStreamerError.self) { try Caps(text) }
    }

    @Test func capsQuotingKeepsAnyValue() throws {
        let caps = try Caps("application/x-rtp,a=(string)" + Caps.quoted("x\"y\\z, w=1;"))
        #expect(caps.description.contains("x\\\"y\\\\z"))
    }

    @Test func padsThatDoNotExistOrFitAreTypedErrors() throws {
        let (left, right) = (try Element("fakesrc"), try Element("fakesink"))
        #expect(throws: GStreamerError.self) { try left.pad("nope") }
        #expect(throws: GStreamerError.self) { try left.requestPad("src_%u") }
        #expect(throws: GStreamerError.self) { try right.link(to: left) }
    }

    @Test func anElementIsFinalisedWithItsLastReference() throws {
        var element: Element? = try Element("queue")
        let watch = try #require(element?.watchLifetime())
        #expect(!watch.isFinalised)
        element = nil
        #expect(watch.isFinalised)
    }

    @Test(arguments: [
        ("1.22.0", [1, 22, 0]), ("1.22.0.1", [1, 22, 0]), ("1.23", [1, 23]), ("", []), ("x.y", [0, 0]), ("0.1.21-git", [0, 1, 21]),
    ])
    func pluginVersionsAreRead(text: String, numbers: [Int]) { #expect(GStreamer.versionNumbers(text) == numbers) }

    @Test func anOutdatedOrMissingPluginIsRefused() throws {
        try GStreamer.require([.init(plugin: "coreelements", version: (1, 0, 0))])
        #expect(throws: GStreamerError.self) { try GStreamer.require([.init(plugin: "coreelements", version: (99, 0, 0))]) }
        #expect(throws: GStreamerError.self) { try GStreamer.require([.init(plugin: "nosuchplugin", version: (1, 0, 0))]) }
    }
}

import BridgeConfiguration
import BridgeModel
import Foundation
import Testing

/// `configs/` holds what the program does.
struct ReferenceTests {
    static let configs = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../configs").standardizedFileURL

    /// After a change of the table: `WRITE_REFERENCE=1 swift test --filter ReferenceTests` writes the file anew.
    @Test func theReferenceIsTheTableOfSettings() throws {
        let file = Self.configs.appendingPathComponent("viaduct.reference.yaml")
        let expected = ConfigurationDocument.yaml(for: Settings())
        if ProcessInfo.processInfo.environment["WRITE_REFERENCE"] == "1" {
            try expected.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == expected)
    }

    @Test func theReferenceLoadsAsTheDefaults() throws {
        let file = Self.configs.appendingPathComponent("viaduct.reference.yaml").path
        #expect(try Configuration(file: file).load() == Settings())
    }

    @Test(arguments: ["laptop.yaml", "public-host.yaml"])
    func theExamplesLoad(_ name: String) throws {
        let file = Self.configs.appendingPathComponent(name).path
        let settings = try Configuration(file: file) { path in
            path == file ? try String(contentsOfFile: path, encoding: .utf8) : "the text of a secret's file"
        }.load()
        #expect(settings != Settings())
    }

    @Test func everyFieldOfTheSettingsHasAKey() {
        let lines = ConfigurationDocument.yaml(for: Settings()).split(separator: "\n")
        let keys = lines.filter { line in !line.contains("#") && !line.hasSuffix(":") }
        #expect(keys.count == Self.leaves(of: Settings()))
    }

    /// Fields that are no groups of fields themselves.
    private static func leaves(of value: Any) -> Int {
        let mirror = Mirror(reflecting: value)
        guard "\(mirror.subjectType)".hasSuffix("Settings") else { return 1 }
        return mirror.children.reduce(0) { $0 + leaves(of: $1.value) }
    }

    @Test func changedValuesArePrintedSoThatTheyLoadAgain() throws {
        var settings = Settings()
        settings.http.bind = "0.0.0.0"
        settings.http.idleTimeout = .milliseconds(61_500)
        settings.dataFolder = "/srv/with \"quotes\", a # and a \\ and\nlines"
        settings.webhooks.allow = ["a", "b: c"]
        settings.webrtc.ports = 1...2
        settings.pipelines.memoryBytes = (64 << 20) + 1
        let document = ConfigurationDocument.yaml(for: settings)
        let loaded = try Configuration(file: "printed") { _ in document }.load()
        #expect(loaded == settings)
    }

    @Test func aPrintedDocumentHidesSecrets() throws {
        var settings = Settings()
        settings.turn.secret = Redacted("hush-hush")
        settings.recording.destination = Redacted("https://store.example/hush-hush")
        let document = ConfigurationDocument.yaml(for: settings)
        #expect(!document.contains("hush-hush"))
        #expect(document.contains("secret: \"***\""))
    }
}

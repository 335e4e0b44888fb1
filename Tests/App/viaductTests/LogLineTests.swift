import BridgeModel
import Logging
import Testing

@testable import viaduct

@Suite struct LogLineTests {
    private func line(_ message: String, _ members: (String, String)...) -> LogLine {
        LogLine(
            time: WallTime(milliseconds: 1_700_000_000_120), level: .notice, label: "bridge", message: message, members: Array(members))
    }

    private static let head = "2023-11-14T22:13:20.120Z NOTICE bridge: "

    @Test func textIsReadByPeople() {
        let text = line("serving", ("url", "http://127.0.0.1:8080"), ("pid", "7")).text
        #expect(text == Self.head + "serving url=http://127.0.0.1:8080 pid=7")
    }

    @Test(arguments: [
        ("", #""""#), ("two words", #""two words""#), ("a=b", #""a=b""#), (#"say "x""#, #""say \"x\"""#), (#"C:\x"#, #""C:\\x""#),
        (#"\" level=error"#, #""\\\" level=error""#), ("\"\u{301} level=error", "\"\\\"\u{301} level=error\""), ("Jörg", "Jörg"),
    ]) func aValueStaysOneValue(_ value: String, _ written: String) {
        #expect(line("m", ("client", value)).text == Self.head + "m client=" + written)
    }

    @Test(arguments: ["\n", "\r\n", "\u{1B}[2J", "\u{0}", "\u{7F}", "\u{85}", "\u{9B}31m", "\u{2028}", "\u{2029}", "\t"])
    func whatPeersSentNeitherBeginsALineNorSteersATerminal(_ text: String) {
        let written = line("m" + text + "n", ("client", "a" + text + "b")).text
        let categories = Set(written.unicodeScalars.map(\.properties.generalCategory))
        #expect(categories.isDisjoint(with: [.control, .lineSeparator, .paragraphSeparator]))
        #expect(written.hasPrefix(Self.head + "m ") && written.contains("client=\"a "))
    }

    @Test func jsonIsOneObjectOnOneLine() throws {
        let json = line("a \"b\"\n\u{1B}", ("client", "c\r\n\\ \u{0}")).json
        #expect(!json.unicodeScalars.contains { $0.value < 0x20 })
        let expected: JSONValue = [
            "time": "2023-11-14T22:13:20.120Z", "level": "notice", "label": "bridge", "message": "a \"b\"\n\u{1B}",
            "client": "c\r\n\\ \u{0}",
        ]
        #expect(try JSONValue.read(json.utf8) == expected)
    }

    @Test func aLoggersOwnMetadataGivesWayToTheEvents() {
        var output = LogOutput(label: "bridge", format: .text, logLevel: .info)
        output[metadataKey: "session"] = "s1"
        #expect(output[metadataKey: "session"] == "s1")
        #expect(output.metadata == ["session": "s1"] && output.logLevel == .info)
    }
}

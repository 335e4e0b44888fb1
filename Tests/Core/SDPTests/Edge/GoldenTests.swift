import BridgeModel
import Foundation
import Testing

import SDP

/// Every fixture against the negotiation that is expected of it, in full. A changed expectation is seen in the difference of the golden file:
/// `GOLDEN=<folder of this test>/Fixtures/Negotiated` in the environment writes them anew.
@Suite struct GoldenTests {
    @Test(arguments: Fixture.edge) func negotiationIsAsExpected(_ fixture: Fixture) throws {
        let isViewer = fixture.name.hasSuffix("-view")
        let text = isViewer ? Self.watched(fixture.text) : Self.published(fixture.text)
        if let folder = ProcessInfo.processInfo.environment["GOLDEN"] {
            try text.write(toFile: "\(folder)/\(fixture.name).txt", atomically: true, encoding: .utf8)
        }
        let url = Bundle.module.url(forResource: fixture.name, withExtension: "txt", subdirectory: "Fixtures/Negotiated")
        let expected = try String(contentsOf: #require(url, "no golden file for \(fixture.name)"), encoding: .utf8)
        #expect(text == expected)
    }

    private static func published(_ text: String) -> String {
        do throws(SDPError) {
            return try Negotiations.publish(text).golden
        } catch {
            return "refused: \(error)\n"
        }
    }

    /// All streams, one after the other.
    private static func watched(_ text: String) -> String {
        Negotiations.streams.map { tracks in
            let title = "== \(tracks.map { $0.description.codec.rawValue }.joined(separator: " and "))\n"
            do throws(SDPError) {
                return try title + Negotiations.watch(text, tracks).golden
            } catch {
                return title + "refused: \(error)\n"
            }
        }.joined(separator: "\n")
    }
}

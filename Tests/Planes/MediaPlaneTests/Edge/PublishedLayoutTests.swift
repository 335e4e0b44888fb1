import BridgeModel
import EdgeTesting
import SDP
import Testing

@testable import MediaPlane

@Suite struct PublishedLayoutTests {
    private static func layout(rids: [String]) -> PublishedLayout {
        var video = EdgeSections.video(.vp8, .recvonly)
        video.layers = rids.map { SimulcastLayer(rid: $0) }
        var second = EdgeSections.video(.vp8, .recvonly)
        (second.mid, second.index) = ("1", 1)
        let fingerprint = Fingerprint(algorithm: "sha-256", value: "00")
        return PublishedLayout(EdgeSections.peer([video, second], fingerprint: fingerprint), localSSRC: 1)
    }

    @Test func tracksOfTheAnswerComeFirstAndLesserEncodingsFollow() {
        let layout = Self.layout(rids: ["q", "h", "f"])
        #expect(layout.tracks.map(\.index) == [0, 1, 2, 3] && layout.tracks.map(\.mid) == ["0", "1", "0", "0"])
        #expect(layout.encodings == [[2, 3, 0], [1]] && layout.hubTracks == [2, 3, 0, 1])
        #expect(layout.rids == ["f", nil, "q", "h"])
    }

    @Test func pictureSizesDecideTheOrderOnceAllAreKnown() {
        var layout = Self.layout(rids: ["f", "h", "q"])
        #expect(layout.encodings[0] == [2, 3, 0] && layout.rids == ["q", nil, "f", "h"])
        let areas: [UInt8: Int] = [2: 900, 3: 400, 0: 100]
        #expect(!layout.sort { $0 == 3 ? nil : areas[$0] })
        #expect(layout.encodings[0] == [2, 3, 0], "one is not known")
        #expect(layout.sort { areas[$0] })
        #expect(layout.encodings == [[0, 3, 2], [1]] && layout.hubTracks == [2, 3, 0, 1])
        #expect(!layout.sort { areas[$0] }, "in order already")
    }

    @Test func aSourceThatComesBackHasItsEncodingsInTheOrderThatWasFound() {
        var former = Self.layout(rids: ["f", "h", "q"])
        #expect(former.sort { [2: 900, 3: 400, 0: 100][$0] })
        #expect(Self.layout(rids: ["f", "h", "q"]).inOrder(of: former).encodings == [[0, 3, 2], [1]])
        #expect(Self.layout(rids: ["f", "h", "q"]).inOrder(of: nil).encodings == [[2, 3, 0], [1]])
        #expect(Self.layout(rids: ["q", "h", "f"]).inOrder(of: former).encodings == [[2, 3, 0], [1]], "other encodings")
    }

    @Test func simulcastWithoutNamesIsCounted() {
        var video = EdgeSections.video(.vp8, .recvonly)
        video.remoteSources = [MediaSource(ssrc: 1), MediaSource(ssrc: 2)]
        let layout = PublishedLayout(EdgeSections.peer([video], fingerprint: Fingerprint(algorithm: "sha-256", value: "00")), localSSRC: 1)
        #expect(layout.encodings == [[1, 0]] && layout.rids == ["1", "0"])
    }
}

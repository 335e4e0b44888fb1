import BridgeModel
import Playback
import Testing

private let rules = HLSRules(fragment: .seconds(1))

private func segments(_ media: RecordedMedia) -> GrowingList<HLSSegment> { rules.segments(of: media) { $0 == $1 } }

@Suite struct HLSSegmentTests {
    @Test func segmentsEndAtKeyframesOrWhenTheyAreTooLong() {
        let short = segments(recording(seconds: 0..<10))
        #expect(short.map(\.start) == [0, 2, 4, 6, 8].map { .seconds($0) })
        #expect(short.map(\.isIndependent) == [true, true, true, true, true])
        let long = segments(recording(seconds: 0..<14, keys: { $0 % 12 == 0 }))
        #expect(long.map(\.start) == [0, 5, 10, 12].map { .seconds($0) })
        #expect(long.map(\.isIndependent) == [true, false, false, true])
    }

    @Test func aGapAndAnotherFormatAreDiscontinuities() {
        var media = recording(seconds: Array(0..<4) + Array(9..<12), keys: { $0 == 0 || $0 == 9 })
        media.append(fragments(12..<14, file: 1))
        let found = segments(media)
        #expect(found.map(\.start) == [.zero, .seconds(9), .seconds(12)])
        #expect(found.map(\.end) == [.seconds(4), .seconds(12), .seconds(14)])
        #expect(found.map(\.isDiscontinuous) == [true, true, true])
        let joined = rules.segments(of: media) { _, _ in true }
        #expect(joined.map(\.isDiscontinuous) == [true, true, false])
    }

    @Test func nothingIsListedBeforeTheFirstKeyframe() {
        #expect(segments(recording(seconds: 0..<6, keys: { $0 == 3 })).map(\.start) == [.seconds(3)])
        #expect(segments(recording(seconds: 0..<6, keys: { _ in false })).isEmpty)
    }

    /// A player that loads again must find every segment where it was.
    @Test func whatIsThereNeverChangesWhileMediaIsAdded() {
        let seconds = Array(0..<9) + Array(12..<30)
        let keys: (Int) -> Bool = { [0, 3, 4, 12, 15, 24].contains($0) }
        let whole = segments(recording(seconds: seconds, keys: keys))
        for count in 1...seconds.count {
            let part = segments(recording(seconds: seconds.prefix(count), keys: keys, isLive: true)).filter(\.isComplete)
            #expect(part.map(\.start) == whole.prefix(part.count).map(\.start), "after \(count) fragments")
        }
    }

    @Test func partsAreOfOneLengthButTheLast() {
        let segment = segments(recording(seconds: [0, 1], isLive: true))[0]
        #expect(rules.partCount(of: segment) == 7)
        var closed = segment
        (closed.isComplete, closed.end) = (true, .milliseconds(1960))
        #expect(rules.partCount(of: closed) == 8)
        #expect(rules.part(7, of: closed) == (.milliseconds(1750), .milliseconds(1960)))
    }

    @Test func noSegmentIsLongerThanTheTarget() {
        for fragment in [Duration.milliseconds(200), .seconds(1), .seconds(10)] {
            let rules = HLSRules(fragment: fragment)
            let media = recording(seconds: 0..<100, keys: { $0 == 0 })
            let longest = rules.segments(of: media) { $0 == $1 }.map(\.duration).max() ?? .zero
            #expect(longest <= .seconds(rules.targetDuration))
        }
    }
}

@Suite struct HLSPlaylistTests {
    @Test func aFinishedRecordingIsListedWhole() {
        let media = recording(seconds: Array(0..<4) + Array(9..<11), keys: { $0 % 2 == 0 || $0 == 9 })
        let text = HLSPlaylist(segments(media), kind: .complete, rules: rules, query: "?auth_token=x").text()
        #expect(
            text == """
                #EXTM3U
                #EXT-X-VERSION:9
                #EXT-X-TARGETDURATION:7
                #EXT-X-PLAYLIST-TYPE:VOD
                #EXT-X-MEDIA-SEQUENCE:0
                #EXT-X-INDEPENDENT-SEGMENTS
                #EXT-X-MAP:URI="r1.0-init.mp4?auth_token=x"
                #EXT-X-PROGRAM-DATE-TIME:2024-03-01T09:00:00.000Z
                #EXTINF:2.000,
                r1.0.2000.m4s?auth_token=x
                #EXT-X-PROGRAM-DATE-TIME:2024-03-01T09:00:02.000Z
                #EXTINF:2.000,
                r1.2000.4000.m4s?auth_token=x
                #EXT-X-DISCONTINUITY
                #EXT-X-MAP:URI="r1.0-init.mp4?auth_token=x"
                #EXT-X-PROGRAM-DATE-TIME:2024-03-01T09:00:09.000Z
                #EXTINF:2.000,
                r1.9000.11000.m4s?auth_token=x
                #EXT-X-ENDLIST

                """)
    }

    @Test func theLiveEdgeIsInParts() {
        let list = HLSPlaylist(segments(recording(seconds: 0..<3, isLive: true)), kind: .live(window: .seconds(60)), rules: rules)
        let lines = list.text().split(separator: "\n")
        #expect(lines.contains("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=42.000,PART-HOLD-BACK=0.750"))
        #expect(lines.contains("#EXT-X-PART:DURATION=0.250,URI=\"r1.2000.p0.m4s\",INDEPENDENT=YES"))
        #expect(lines.count { $0.hasPrefix("#EXT-X-PART:") } == 8 + 3)
        #expect(lines.last == "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"r1.2000.p3.m4s\"")
        #expect(list.edge == HLSEdge(sequence: 1, part: 3, partsBefore: 8))
        #expect(!list.isOver)
    }

    @Test func theWindowMovesAndCountsWhatHasLeftIt() {
        let media = recording(seconds: Array(0..<50) + Array(60..<200), isLive: true)
        let list = HLSPlaylist(segments(media), kind: .live(window: .seconds(30)), rules: rules)
        let lines = list.text().split(separator: "\n")
        #expect(lines.contains("#EXT-X-MEDIA-SEQUENCE:79"))
        #expect(lines.contains("#EXT-X-DISCONTINUITY-SEQUENCE:1"))
        #expect(!lines.contains("#EXT-X-DISCONTINUITY"))
    }

    @Test func aDeltaUpdateLeavesOldSegmentsOut() {
        let list = HLSPlaylist(segments(recording(seconds: 0..<120, isLive: true)), kind: .live(window: .seconds(600)), rules: rules)
        let whole = list.text().split(separator: "\n")
        let delta = list.text(skipping: true).split(separator: "\n")
        #expect(delta.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=38"))
        #expect(whole.count { $0.hasPrefix("#EXTINF") } == delta.count { $0.hasPrefix("#EXTINF") } + 38)
    }

    @Test func aRecordingThatEndedSaysSo() {
        let list = HLSPlaylist(segments(recording(seconds: 0..<4)), kind: .live(window: .seconds(60)), rules: rules)
        #expect(list.text().hasSuffix("#EXT-X-ENDLIST\n"))
        #expect(list.isOver)
    }

    @Test(
        arguments: [
            (nil, nil, .ready), (3, nil, .ready), (4, nil, .wait), (4, 1, .ready), (4, 2, .wait), (5, 0, .wait), (6, nil, .tooFar),
            (900, 0, .tooFar), (3, 7, .ready), (3, 8, .ready),
        ] as [(Int?, Int?, HLSDirectives.Answer)])
    func requestsWaitForWhatIsNext(sequence: Int?, part: Int?, answer: HLSDirectives.Answer) throws {
        let directives = try HLSDirectives(sequence: sequence.map(String.init), part: part.map(String.init), skip: nil)
        #expect(directives.answer(edge: HLSEdge(sequence: 4, part: 2, partsBefore: 8)) == answer)
    }

    /// RFC 8216bis section 6.2.5.2: a part behind a segment's last one is the next segment's first.
    @Test(
        arguments: [(3, 7, .ready), (3, 8, .wait), (3, 9, .wait), (3, nil, .ready), (2, 8, .ready)] as [(Int, Int?, HLSDirectives.Answer)])
    func aPartBehindASegmentIsTheNextOnesFirst(sequence: Int, part: Int?, answer: HLSDirectives.Answer) throws {
        let directives = try HLSDirectives(sequence: "\(sequence)", part: part.map(String.init), skip: nil)
        #expect(directives.answer(edge: HLSEdge(sequence: 4, part: 0, partsBefore: 8)) == answer)
    }

    @Test(
        arguments: [
            ("", nil, nil), ("-1", nil, nil), ("x", nil, nil), (nil, "1", nil), ("1", "9999999999", nil), ("1", "1", "NO"),
            ("1.0", nil, nil),
        ]
            as [(String?, String?, String?)])
    func malformedDirectivesAreRefused(sequence: String?, part: String?, skip: String?) {
        #expect(throws: PlaybackError.self) { try HLSDirectives(sequence: sequence, part: part, skip: skip) }
    }

    @Test func aVariantSaysWhatItNeeds() {
        let variant = HLSMasterPlaylist.Variant(
            uri: "live.m3u8", codecs: ["avc1.42E01F", "opus"], size: (640, 360), peakBitrate: 1_000_000, averageBitrate: 900_000)
        #expect(
            HLSMasterPlaylist(variant).text
                == "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-STREAM-INF:BANDWIDTH=1000000,AVERAGE-BANDWIDTH=900000,"
                + "CODECS=\"avc1.42E01F,opus\",RESOLUTION=640x360\nlive.m3u8\n")
        #expect(segments(recording(seconds: 0..<4)).bitrates == (1_000_000, 1_000_000))
    }
}

@Suite struct HLSResourceTests {
    @Test(arguments: [
        HLSResource.initialization(RecordingID("0a-1"), file: 3), .segment(RecordingID("r1"), start: .zero, end: .milliseconds(1)),
        .part(RecordingID("r1"), start: .seconds(86_400), index: 12),
    ])
    func namesAreReadBack(resource: HLSResource) {
        #expect(HLSResource(name: resource.name) == resource)
    }

    @Test(arguments: [
        "", ".m4s", "r1.m4s", "r1.0.m4s", "r1.5.5.m4s", "r1.6.5.m4s", "r1.-1.5.m4s", "r1.0.p.m4s", "r1.0.p1234567.m4s", "r1.0.1.2.m4s",
        "../r1.0.5.m4s", "r/1.0.5.m4s", "R1.0.5.m4s", ".0.5.m4s", "r1.0.5.mp4", "r1-init.mp4", "r1.x-init.mp4", "r1.0.99999999999999.m4s",
        "r1.0.５.m4s", "r1\u{0}.0.5.m4s",
    ])
    func othersAreRefused(name: String) {
        #expect(HLSResource(name: name) == nil)
    }
}

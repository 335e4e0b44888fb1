package import BridgeModel

/// Writes media playlists (RFC 8216bis section 4.4).
package struct HLSPlaylist: Sendable {
    /// What players are asked to do at the end of the list.
    package enum Kind: Sendable, Equatable {
        /// All that there will ever be.
        case complete
        /// It grows; segments are kept in the list for `window`. Its edge is in parts, and a request can wait for the next.
        case live(window: Duration)
    }

    private static let version = 9
    /// Parts are listed for segments that are at most so many target durations from the end (section 4.4.4.9).
    private static let partsWithinTargets: Int64 = 3
    /// A delta update leaves out what is older than this many target durations (section 4.4.3.8 asks for at least six).
    private static let skipBeyondTargets: Int64 = 6

    private let rules: HLSRules
    private let kind: Kind
    /// Every segment of the recordings from their beginning; what is before the window counts, and is not listed.
    private let segments: GrowingList<HLSSegment>
    private let first: Int
    /// Appended to each URI: a query that carries the caller's permission, or nothing.
    private let query: String

    /// Each `segments` list must be as `HLSRules` makes it. A live list needs one segment at least to be of use.
    package init(_ segments: GrowingList<HLSSegment>, kind: Kind, rules: HLSRules, query: String = "") {
        self.segments = segments
        self.kind = kind
        self.rules = rules
        self.query = query
        first = Self.firstListed(segments, kind: kind, rules: rules)
    }

    private var isLive: Bool { kind != .complete }

    /// Where the window begins: at a keyframe, and never with fewer than three target durations (section 6.2.2).
    private static func firstListed(_ segments: GrowingList<HLSSegment>, kind: Kind, rules: HLSRules) -> Int {
        guard case .live(let window) = kind, let last = segments.last else { return 0 }
        let least = max(window, .seconds(rules.targetDuration * 4))
        var length = last.duration
        var index = segments.count - 1
        while index > 0, length < least {
            index -= 1
            length += segments[index].duration
        }
        while index > 0, !segments[index].isIndependent { index -= 1 }
        return index
    }

    /// Nothing will be added: the recording is over.
    package var isOver: Bool { segments.last?.isComplete ?? true }

    /// What a player is to ask for next.
    package var edge: HLSEdge {
        guard let last = segments.last else { return HLSEdge(sequence: 0, part: 0, partsBefore: 0) }
        guard !last.isComplete else { return HLSEdge(sequence: segments.count, part: 0, partsBefore: rules.partCount(of: last)) }
        let before = segments.dropLast().last
        return HLSEdge(
            sequence: segments.count - 1, part: rules.partCount(of: last), partsBefore: before.map { rules.partCount(of: $0) } ?? 0)
    }

    /// The whole list, or a delta update of it.
    package func text(skipping: Bool = false) -> String { template(skipping: skipping).text(query: query) }

    /// The list without what differs from one caller to the next.
    package func template(skipping: Bool = false) -> HLSTemplate {
        var lines = header()
        let skipped = skipping && isLive ? skippable : 0
        if skipped > 0 { lines.append("#EXT-X-SKIP:SKIPPED-SEGMENTS=\(skipped)") }
        for index in segments.indices.dropFirst(first + skipped) {
            let segment = segments[index]
            let previous = index > first ? segments[index - 1] : nil
            guard segment.isComplete || (isLive && rules.partCount(of: segment) > 0) || index == segments.count - 1 else { continue }
            lines += preface(segment, previous: previous)
            lines += parts(of: index)
            guard segment.isComplete else { continue }
            lines.append("#EXTINF:\(seconds(segment.duration)),")
            lines.append(uri(.segment(segment.recording, start: segment.start, end: segment.end)))
        }
        lines += ending()
        return HLSTemplate(lines.joined(separator: "\n") + "\n")
    }

    private func header() -> [String] {
        var lines = ["#EXTM3U", "#EXT-X-VERSION:\(Self.version)", "#EXT-X-TARGETDURATION:\(rules.targetDuration)"]
        if isLive {
            let skip = seconds(.seconds(rules.targetDuration * Self.skipBeyondTargets))
            let hold = seconds(rules.part * 3)
            lines.append("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=\(skip),PART-HOLD-BACK=\(hold)")
            lines.append("#EXT-X-PART-INF:PART-TARGET=\(seconds(rules.part))")
        } else {
            lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
        }
        lines.append("#EXT-X-MEDIA-SEQUENCE:\(first)")
        // The tag before a segment counts once that segment has left the list (section 4.4.3.3): the first one's is not listed either.
        if isLive { lines.append("#EXT-X-DISCONTINUITY-SEQUENCE:\(first > 0 ? segments[first].discontinuities : 0)") }
        if !isLive, !segments.isEmpty, segments.allSatisfy(\.isIndependent) { lines.append("#EXT-X-INDEPENDENT-SEGMENTS") }
        return lines
    }

    private func preface(_ segment: HLSSegment, previous: HLSSegment?) -> [String] {
        var lines: [String] = []
        if previous != nil, segment.isDiscontinuous { lines.append("#EXT-X-DISCONTINUITY") }
        if previous == nil || segment.isDiscontinuous {
            lines.append("#EXT-X-MAP:URI=\"\(uri(.initialization(segment.recording, file: segment.file)))\"")
        }
        lines.append("#EXT-X-PROGRAM-DATE-TIME:\(segment.startedAt.iso8601)")
        // Not one of the specification's tags: for our own page, which seeks to keyframes. Others pass over it (section 6.3.1).
        if !segment.isIndependent { lines.append("#EXT-X-VIADUCT-DEPENDENT") }
        return lines
    }

    private func parts(of index: Int) -> [String] {
        let segment = segments[index]
        guard isLive, isNearEdge(index) else { return [] }
        return (0..<rules.partCount(of: segment)).map { number in
            let part = rules.part(number, of: segment)
            let independent = number == 0 && segment.isIndependent ? ",INDEPENDENT=YES" : ""
            return
                "#EXT-X-PART:DURATION=\(seconds(part.end - part.start)),URI=\"\(uri(.part(segment.recording, start: segment.start, index: number)))\""
                + independent
        }
    }

    private func isNearEdge(_ index: Int) -> Bool {
        guard let last = segments.last else { return false }
        return last.startedAt.advanced(by: last.duration)
            <= segments[index].startedAt
            .advanced(by: .seconds(rules.targetDuration * Self.partsWithinTargets))
    }

    private func ending() -> [String] {
        guard let last = segments.last, isLive, !last.isComplete else { return ["#EXT-X-ENDLIST"] }
        let next = HLSResource.part(last.recording, start: last.start, index: rules.partCount(of: last))
        return ["#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"\(uri(next))\""]
    }

    /// Listed segments that a delta update may leave out: those that end before the skip boundary.
    private var skippable: Int {
        guard let last = segments.last else { return 0 }
        let boundary = last.startedAt.advanced(by: last.duration - .seconds(rules.targetDuration * Self.skipBeyondTargets))
        return segments.dropFirst(first).prefix { $0.isComplete && $0.startedAt.advanced(by: $0.duration) < boundary }.count
    }

    private func uri(_ resource: HLSResource) -> String { resource.name + HLSTemplate.mark }

    /// Decimal seconds, to the millisecond.
    private func seconds(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.wholeMilliseconds)
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }
}

/// The text of a media playlist for many callers: written once, with a place behind each URI for a caller's query.
package struct HLSTemplate: Sendable, Equatable {
    /// Stands where the query belongs; names of resources have none.
    static let mark = "\u{0}"
    private let pieces: [Substring]

    init(_ text: String) { pieces = text.split(separator: Self.mark, omittingEmptySubsequences: false) }

    /// The list of a caller.
    package func text(query: String) -> String { pieces.joined(separator: query) }
}

/// A multivariant playlist with the one variant that there is.
package struct HLSMasterPlaylist: Sendable, Equatable {
    /// What a player has to know before it loads the media playlist.
    package struct Variant: Sendable, Equatable {
        package var uri: String
        /// RFC 6381, all tracks.
        package var codecs: [String]
        /// Pixels; zeros without video.
        package var size: (width: Int, height: Int)
        /// Bits a second, of the largest segment and on average.
        package var peakBitrate: Int64
        package var averageBitrate: Int64

        package init(
            uri: String, codecs: [String], size: (width: Int, height: Int), peakBitrate: Int64, averageBitrate: Int64
        ) {
            self.uri = uri
            self.codecs = codecs
            self.size = size
            self.peakBitrate = peakBitrate
            self.averageBitrate = averageBitrate
        }

        package static func == (left: Self, right: Self) -> Bool {
            left.uri == right.uri && left.codecs == right.codecs && left.size == right.size
                && left.peakBitrate == right.peakBitrate && left.averageBitrate == right.averageBitrate
        }
    }

    package var variant: Variant

    package init(_ variant: Variant) { self.variant = variant }

    /// The list (RFC 8216bis section 4.4.6).
    package var text: String {
        var attributes = [
            "BANDWIDTH=\(max(1, variant.peakBitrate))", "AVERAGE-BANDWIDTH=\(max(1, variant.averageBitrate))",
            "CODECS=\"\(variant.codecs.joined(separator: ","))\"",
        ]
        if variant.size.width > 0, variant.size.height > 0 { attributes.append("RESOLUTION=\(variant.size.width)x\(variant.size.height)") }
        return "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-STREAM-INF:\(attributes.joined(separator: ","))\n\(variant.uri)\n"
    }
}

/// The end of a live list: the first segment and part that it does not have yet.
package struct HLSEdge: Sendable, Equatable {
    /// The media sequence number of the segment that is not complete, or of the one behind the last.
    package var sequence: Int
    /// How many parts of that segment are listed.
    package var part: Int
    /// How many parts the segment before it has; 0 when there is none.
    package var partsBefore: Int

    package init(sequence: Int, part: Int, partsBefore: Int) {
        self.sequence = sequence
        self.part = part
        self.partsBefore = partsBefore
    }
}

/// The delivery directives of a playlist request (RFC 8216bis section 6.2.5).
package struct HLSDirectives: Sendable, Equatable {
    /// `_HLS_msn`; nil asks for the list as it is.
    package let sequence: Int?
    /// `_HLS_part`; nil waits for the whole segment.
    package let part: Int?
    /// `_HLS_skip`.
    package let isDelta: Bool

    /// Throws `malformed`.
    package init(sequence: String?, part: String?, skip: String?) throws(PlaybackError) {
        self.sequence = try Self.number(sequence, "_HLS_msn")
        self.part = try Self.number(part, "_HLS_part")
        guard self.part == nil || self.sequence != nil else { throw .malformed(field: "_HLS_part", rule: "together with _HLS_msn") }
        guard skip == nil || skip == "YES" || skip == "v2" else { throw .malformed(field: "_HLS_skip", rule: "YES or v2") }
        isDelta = skip != nil
    }

    private static func number(_ text: String?, _ field: String) throws(PlaybackError) -> Int? {
        guard let text else { return nil }
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) else {
            throw .malformed(field: field, rule: "a decimal number")
        }
        return number
    }

    /// What a playlist with this edge means for the request.
    package enum Answer: Sendable, Equatable {
        /// It has what was asked for.
        case ready
        /// It will have it.
        case wait
        /// It is too far ahead: the player has lost its way, and is answered with 400.
        case tooFar
    }

    /// `edge` is `HLSPlaylist.edge`.
    package func answer(edge: HLSEdge) -> Answer {
        guard let sequence else { return .ready }
        if sequence > edge.sequence + 1 { return .tooFar }
        // A part behind a segment's last one is the next segment's first (section 6.2.5.2), which may not be there yet when a segment is just
        // as long as its parts.
        if let part, sequence + 1 == edge.sequence, part >= edge.partsBefore { return edge.part > 0 ? .ready : .wait }
        if sequence < edge.sequence { return .ready }
        guard sequence == edge.sequence, let part else { return .wait }
        return part < edge.part ? .ready : .wait
    }
}

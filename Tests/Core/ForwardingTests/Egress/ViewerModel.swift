import BridgeModel
import RTP

/// A viewer as a browser would be, written without the code under test: takes packets apart byte by byte, undoes RTX, asks for what is missing, puts frames
/// together and decodes those whose references it has.
struct ViewerModel {
    struct Track {
        var ssrc: UInt32
        var rtxSSRC: UInt32?
        var isVideo: Bool
    }

    struct Received {
        var sequence: Int64
        var timestamp: UInt32
        var marker: Bool
        /// Nil for a packet without payload.
        var content: TestContent?
        var pictureID: Int?
        var zeroIndex: Int?
        var keyIndex: Int?
        var begins = false
    }

    struct Frame {
        var content: TestContent
        var first: Received
        var sequences: ClosedRange<Int64>
        var shownAt: MonotonicTime
    }

    static let transportExtension: UInt8 = 5

    let tracks: [Track]
    /// By track and unwrapped sequence number.
    private(set) var received: [[Int64: Received]]
    private(set) var duplicates = 0
    private(set) var repaired = 0
    private(set) var frames: [Frame] = []
    private(set) var decoded: [Frame] = []
    /// Frames whose reference has not come.
    private(set) var waiting: [Frame] = []
    var undecodable: Int { waiting.count }
    /// Frames that were put together from packets that are not all of one frame's: sequence numbers hide a loss.
    private(set) var wrongFrames = 0
    private(set) var mediaBytes = 0
    private(set) var totalBytes = 0
    private(set) var requests = 0
    var asksAgain = true
    /// It speaks of what arrived on the transport. Of several models behind one transport one does, as a browser.
    var tellsArrivals = true
    private var unwrappers: [SequenceUnwrapper]
    private var missing: [Int64: (tries: Int, last: MonotonicTime)] = [:]
    private var decodedFrames: Set<UInt64> = []
    private var assembled: Set<Int64> = []
    private var keyframeAskedAt: MonotonicTime?
    private var arrivals: [(sequence: UInt16, time: MonotonicTime)] = []
    private var nextFeedback: UInt16?
    private var feedbackCount: UInt8 = 0
    private var lastReport: [UInt32: (name: UInt32, at: MonotonicTime)] = [:]
    private(set) var reports: [SenderReportView] = []
    private var lastFrame: Frame?

    init(tracks: [Track]) {
        self.tracks = tracks
        received = Array(repeating: [:], count: tracks.count)
        unwrappers = Array(repeating: SequenceUnwrapper(), count: tracks.count)
    }

    // MARK: media

    mutating func receive(_ packet: [UInt8], at now: MonotonicTime) {
        totalBytes += packet.count
        if packet.count >= 2, (192...223).contains(packet[1]) { return receiveReports(packet, at: now) }
        guard packet.count >= 12, packet[0] >> 6 == 2 else { return }
        var start = 12
        if packet[0] & 0x10 != 0 {
            let words = Int(packet[14]) << 8 | Int(packet[15])
            readExtension(packet[16..<16 + 4 * words], at: now)
            start = 16 + 4 * words
        }
        var payload = packet[start...]
        if packet[0] & 0x20 != 0, let padding = payload.last { payload = payload.dropLast(Int(padding)) }
        var sequence = UInt16(packet[2]) << 8 | UInt16(packet[3])
        let ssrc = packet[8..<12].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        if let index = tracks.firstIndex(where: { $0.rtxSSRC == ssrc }) {
            guard payload.count > 2 else { return }
            sequence = UInt16(payload[payload.startIndex]) << 8 | UInt16(payload[payload.startIndex + 1])
            store(packet, sequence, payload.dropFirst(2), track: index, isRepair: true, at: now)
        } else if let index = tracks.firstIndex(where: { $0.ssrc == ssrc }) {
            store(packet, sequence, payload, track: index, isRepair: false, at: now)
        }
    }

    private mutating func readExtension(_ block: ArraySlice<UInt8>, at now: MonotonicTime) {
        var rest = block
        while let head = rest.popFirst() {
            guard head != 0 else { continue }
            let length = Int(head & 0x0F) + 1
            if head >> 4 == Self.transportExtension, length == 2, rest.count >= 2 {
                arrivals.append((UInt16(rest[rest.startIndex]) << 8 | UInt16(rest[rest.startIndex + 1]), now))
            }
            rest = rest.dropFirst(length)
        }
    }

    private mutating func store(
        _ packet: [UInt8], _ number: UInt16, _ payload: ArraySlice<UInt8>, track: Int, isRepair: Bool, at now: MonotonicTime
    ) {
        let highest = unwrappers[track].highest
        let sequence = unwrappers[track].unwrap(number)
        guard received[track][sequence] == nil else {
            duplicates += isRepair ? 0 : 1
            return
        }
        if isRepair { repaired += 1 }
        mediaBytes += payload.count
        var item = Received(
            sequence: sequence, timestamp: packet[4..<8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }, marker: packet[1] & 0x80 != 0)
        if tracks[track].isVideo { readVideo(payload, into: &item) } else { item.content = TestContent(payload.dropFirst(1)) }
        received[track][sequence] = item
        guard tracks[track].isVideo else { return }
        missing[sequence] = nil
        if let highest, sequence > highest + 1 {
            for lost in highest + 1..<sequence { missing[lost] = (0, MonotonicTime(nanoseconds: 0)) }
        }
        assemble(around: sequence, track: track, at: now)
    }

    private func readVideo(_ payload: ArraySlice<UInt8>, into item: inout Received) {
        let bytes = Array(payload)
        guard bytes.count > 12, bytes[0] & 0x80 != 0, bytes[1] == 0xF0 else { return }
        item.begins = bytes[0] & 0x10 != 0
        item.pictureID = Int(bytes[2] & 0x7F) << 8 | Int(bytes[3])
        item.zeroIndex = Int(bytes[4])
        item.keyIndex = Int(bytes[5] & 0x1F)
        item.content = TestContent(bytes[12...])
    }

    /// A frame is a run of sequence numbers from a beginning to a marker.
    private mutating func assemble(around sequence: Int64, track: Int, at now: MonotonicTime) {
        var first = sequence
        while let item = received[track][first], !item.begins, item.content != nil { first -= 1 }
        var last = sequence
        while let item = received[track][last], !item.marker, item.content != nil, !begins(last + 1, track) { last += 1 }
        guard let head = received[track][first], let tail = received[track][last], head.begins, tail.marker, first <= last,
            let content = head.content, !assembled.contains(first)
        else { return }
        assembled.insert(first)
        let items = (first...last).compactMap { received[track][$0]?.content }
        let isWhole =
            items.count == Int(content.packetCount)
            && items.enumerated().allSatisfy { $1.frame == content.frame && $1.encoding == content.encoding && Int($1.packet) == $0 }
        if !isWhole { wrongFrames += 1 }
        let frame = Frame(content: content, first: head, sequences: first...last, shownAt: now)
        frames.append(frame)
        decode(frame)
    }

    private func begins(_ sequence: Int64, _ track: Int) -> Bool { received[track][sequence]?.begins ?? false }

    private mutating func decode(_ frame: Frame) {
        let key = { (encoding: UInt8, frame: UInt32) in UInt64(encoding) << 32 | UInt64(frame) }
        guard frame.content.isKeyframe || decodedFrames.contains(key(frame.content.encoding, frame.content.reference)) else {
            waiting.append(frame)
            return
        }
        // What a newer picture was shown before is not shown any more, but others may be predicted from it.
        decodedFrames.insert(key(frame.content.encoding, frame.content.frame))
        if lastFrame.map({ $0.sequences.upperBound < frame.sequences.lowerBound }) ?? true {
            decoded.append(frame)
            lastFrame = frame
        }
        if frame.content.isKeyframe { missing = missing.filter { $0.key > frame.sequences.lowerBound } }
        let retry = waiting.filter { $0.content.encoding == frame.content.encoding && $0.content.reference == frame.content.frame }
        waiting.removeAll { $0.content.encoding == frame.content.encoding && $0.content.reference == frame.content.frame }
        for var late in retry {
            late.shownAt = frame.shownAt
            decode(late)
        }
    }

    /// The longest time without a new picture from `start` to `end`.
    func longestFreeze(from start: MonotonicTime, to end: MonotonicTime) -> Duration {
        let times = decoded.map(\.shownAt).filter { $0 >= start && $0 <= end }.sorted()
        var longest = Duration.zero
        for (earlier, later) in zip([start] + times, times + [end]) { longest = max(longest, later.duration(since: earlier)) }
        return longest
    }

    /// How long after `start` the last time ended that was longer than this without a new picture; zero when there was none.
    func recovery(from start: MonotonicTime, to end: MonotonicTime, gap: Duration) -> Duration {
        let times = decoded.map(\.shownAt).filter { $0 >= start && $0 <= end }.sorted()
        let ends = zip([start] + times, times + [end]).filter { $1.duration(since: $0) > gap }.map(\.1)
        return ends.last?.duration(since: start) ?? .zero
    }

    // MARK: feedback

    private mutating func receiveReports(_ packet: [UInt8], at now: MonotonicTime) {
        packet.withUnsafeBytes { bytes in
            for part in RTCPCompound(bytes) {
                guard case .senderReport(let report, _) = RTCPMessage(part) else { continue }
                reports.append(report)
                lastReport[report.ssrc] = (UInt32(truncatingIfNeeded: report.ntp >> 16), now)
            }
        }
    }

    /// What it says now: requests for lost packets, a keyframe request when it is stuck, transport-wide feedback if wanted, receiver reports.
    mutating func feedback(at now: MonotonicTime, withReports: Bool) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1400)
        let count = bytes.withUnsafeMutableBytes { buffer in
            var writer = RTCPWriter(buffer)
            if withReports { appendReports(&writer, at: now) }
            appendNACK(&writer, at: now)
            appendKeyframeRequest(&writer, at: now)
            if tellsArrivals { appendTransportFeedback(&writer) }
            return writer.count
        }
        return Array(bytes.prefix(count))
    }

    private func appendReports(_ writer: inout RTCPWriter, at now: MonotonicTime) {
        _ = writer.appendReceiverReport(sender: 1)
        for (track, highest) in zip(tracks, unwrappers.map(\.highest)) {
            guard let highest else { continue }
            let last = lastReport[track.ssrc]
            let delay = last.map { UInt32(clamping: now.duration(since: $0.at).wholeNanoseconds * 65_536 / 1_000_000_000) }
            var block = ReportBlock(
                ssrc: track.ssrc, fractionLost: 0, cumulativeLost: 0, extendedHighestSequence: UInt32(truncatingIfNeeded: highest),
                jitter: 0)
            block.lastSenderReport = last?.name ?? 0
            block.delaySinceLastSenderReport = delay ?? 0
            _ = writer.appendReportBlock(block)
        }
    }

    private mutating func appendNACK(_ writer: inout RTCPWriter, at now: MonotonicTime) {
        guard asksAgain, let video = tracks.first(where: \.isVideo) else { return }
        missing = missing.filter { $0.value.tries < 10 }
        let due = missing.filter { now.duration(since: $0.value.last) >= .milliseconds(60) }.keys.sorted()
        for sequence in due.prefix(50) {
            missing[sequence]?.tries += 1
            missing[sequence]?.last = now
            requests += 1
            let number = UInt16(truncatingIfNeeded: sequence)
            if sequence == due[0] {
                _ = writer.appendNack(sender: 1, media: video.ssrc, lost: number)
            } else if !writer.appendLost(number) {
                return
            }
        }
    }

    private mutating func appendKeyframeRequest(_ writer: inout RTCPWriter, at now: MonotonicTime) {
        guard let video = tracks.first(where: \.isVideo), let last = frames.last else { return }
        let stuckSince = lastFrame?.shownAt ?? MonotonicTime(nanoseconds: 0)
        guard last.shownAt > stuckSince, now.duration(since: stuckSince) > .milliseconds(200),
            keyframeAskedAt.map({ now.duration(since: $0) > .milliseconds(300) }) ?? true
        else { return }
        keyframeAskedAt = now
        _ = writer.appendPictureLossIndication(sender: 1, media: video.ssrc)
    }

    private mutating func appendTransportFeedback(_ writer: inout RTCPWriter) {
        guard let newest = arrivals.map(\.sequence).max(by: { SequenceUnwrapper.distance(from: $0, to: $1) > 0 }) else { return }
        let oldest = arrivals.map(\.sequence).max(by: { SequenceUnwrapper.distance(from: $0, to: $1) < 0 }) ?? newest
        var base = nextFeedback ?? oldest
        if SequenceUnwrapper.distance(from: base, to: oldest) < 0 { base = oldest }
        let span = Int(newest &- base) + 1
        guard span < 4000 else { return }
        var times = [Int64](repeating: TransportFeedbackEncoder.notReceived, count: span)
        for (sequence, time) in arrivals { times[Int(sequence &- base)] = Int64(time.nanoseconds / 250_000) + 123_456 }
        let header = TransportFeedbackEncoder.Header(sender: 1, media: tracks[0].ssrc, baseSequence: base, feedbackCount: feedbackCount)
        let told = times.withUnsafeBufferPointer { writer.appendTransportFeedback(header, arrivals: $0) }
        guard told > 0 else { return }
        feedbackCount &+= 1
        nextFeedback = base &+ UInt16(told)
        arrivals.removeAll { SequenceUnwrapper.distance(from: $0.sequence, to: base &+ UInt16(told)) > 0 }
    }
}

package import BridgeModel
internal import RTP

/// The video of one publisher: real tiny pictures, filled up to the bit rate, stamped, kept for retransmission. Pure: it is asked for packets when their time
/// has come and writes them where it is told to.
package struct VideoPublisher {
    /// Packets so far.
    package struct Counters: Sendable, Equatable {
        /// Media, retransmissions not, and its bytes of RTP.
        package var packets: UInt64 = 0
        package var bytes: UInt64 = 0
        package var keyframes: UInt64 = 0
        package var retransmitted: UInt64 = 0
        package var keyframeRequests: UInt64 = 0
    }

    /// The frame that is being sent.
    private struct Frame {
        var isKeyframe: Bool
        var number: Int
        var timestamp: UInt32
        var beginsAt: MonotonicTime
        /// RTP packets, all of `packetBytes` but for that of a frame with one packet.
        var packetCount: Int
        var packetBytes: Int
        var nextPacket = 0
    }

    /// Longest wait for a keyframe that was asked for: a thousand requests make one.
    static let keyframeSpacing: Duration = .milliseconds(500)
    /// How much RTP comes with each packet but its media: header and the extension with the mid.
    static let mostHeaderBytes = 40

    private let settings: VideoSettings
    private let track: SentTrack
    private var header: [UInt8]
    private var history: SentHistory
    private var frame: Frame?
    private var frameNumber = 0
    private var sinceKeyframe = 0
    private var keyframeAt: MonotonicTime?
    private var wantsKeyframe = true
    private var nextFrameAt: MonotonicTime
    private var sequence: UInt16
    private var timestampBase: UInt32
    private var startedAt: MonotonicTime
    /// Bytes by which earlier frames fell short.
    private var owedBytes = 0.0
    package private(set) var counters = Counters()

    /// `seed` makes the first sequence number and timestamp; the first packet is due at `now`.
    package init(_ settings: VideoSettings, track: SentTrack, seed: UInt64, now: MonotonicTime) {
        self.settings = settings
        self.track = track
        // SRTP wants a source to begin in the lower half (RFC 3711 section 3.3.1).
        sequence = UInt16(truncatingIfNeeded: seed) & 0x3FFF
        timestampBase = UInt32(truncatingIfNeeded: seed >> 16)
        header = Self.makeHeader(track)
        history = SentHistory(
            packetBytes: settings.packetBytes + Self.mostHeaderBytes, rtxSequence: UInt16(truncatingIfNeeded: seed >> 8) & 0x3FFF)
        startedAt = now
        nextFrameAt = now
    }

    /// When `writePacket` has the next one.
    package var deadline: MonotonicTime { frame.map(due) ?? nextFrameAt }

    /// The next frame is a keyframe, unless the last one was a moment ago.
    package mutating func requestKeyframe() {
        counters.keyframeRequests += 1
        wantsKeyframe = true
    }

    /// Writes the packet that is due, stamped with `wall`, in microseconds. How many bytes of `slot` it takes: 0 when none is due or `slot` is too small.
    package mutating func writePacket(to slot: UnsafeMutableRawBufferPointer, now: MonotonicTime, wall: UInt64) -> Int {
        if frame == nil {
            guard nextFrameAt <= now else { return 0 }
            beginFrame(now: now)
        }
        guard var current = frame, due(current) <= now, slot.count >= current.packetBytes else { return 0 }
        let isLast = current.nextPacket == current.packetCount - 1
        slot.copy(header, to: 0)
        RTPHeader(
            marker: isLast, payloadType: track.payloadType, sequence: sequence, timestamp: current.timestamp, ssrc: track.ssrc
        ).rewrite(slot)
        writePayload(of: current, to: UnsafeMutableRawBufferPointer(rebasing: slot[header.count..<current.packetBytes]))
        PacketStamp(microseconds: wall, counter: counters.packets).write(
            toEndOf: UnsafeMutableRawBufferPointer(rebasing: slot[..<current.packetBytes]))
        history.keep(UnsafeRawBufferPointer(rebasing: slot[..<current.packetBytes]), sequence: sequence)
        sequence &+= 1
        counters.packets += 1
        counters.bytes += UInt64(current.packetBytes)
        current.nextPacket += 1
        frame = isLast ? nil : current
        return current.packetBytes
    }

    /// Writes packet `lost` again, as RTX (RFC 4588) where that was agreed on. Its length; 0 when it is forgotten or `slot` is too small.
    package mutating func writeAgain(_ lost: UInt16, to slot: UnsafeMutableRawBufferPointer) -> Int {
        let count = history.write(lost, as: track.rtx, headerBytes: header.count, to: slot)
        if count > 0 { counters.retransmitted += 1 }
        return count
    }

    /// What the sender report of `now` says; `ntp` is the same instant.
    package func report(now: MonotonicTime, ntp: UInt64) -> SenderReport {
        SenderReport(
            ssrc: track.ssrc, ntp: ntp, timestamp: timestamp(at: now), packets: UInt32(truncatingIfNeeded: counters.packets),
            octets: UInt32(truncatingIfNeeded: counters.bytes))
    }
}

extension VideoPublisher {
    private static func makeHeader(_ track: SentTrack) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: mostHeaderBytes)
        let size = bytes.withUnsafeMutableBytes { buffer -> Int in
            RTPHeader(payloadType: track.payloadType, sequence: 0, timestamp: 0, ssrc: track.ssrc).write(to: buffer)
            guard let mid = track.mid, let token = ExtensionToken(mid.text) else { return RTPPacketView.fixedHeaderSize }
            var writer = ExtensionWriter(
                UnsafeMutableRawBufferPointer(rebasing: buffer[RTPPacketView.fixedHeaderSize...]), form: mid.id < 15 ? .oneByte : .twoByte)
            guard writer.append(mid.id, token) != nil else { return RTPPacketView.fixedHeaderSize }
            buffer[0] |= 0x10
            return RTPPacketView.fixedHeaderSize + writer.finish()
        }
        return Array(bytes.prefix(size))
    }

    private func timestamp(at time: MonotonicTime) -> UInt32 {
        timestampBase &+ UInt32(truncatingIfNeeded: time.duration(since: startedAt).wholeNanoseconds / 100_000 * 9)
    }

    private func due(_ frame: Frame) -> MonotonicTime {
        guard frame.nextPacket > 0, settings.pace > 0 else { return frame.beginsAt }
        let spread = Double(settings.frameInterval.wholeNanoseconds) * settings.pace
        return frame.beginsAt.advanced(by: .nanoseconds(Int64(spread * Double(frame.nextPacket) / Double(frame.packetCount))))
    }

    private mutating func beginFrame(now: MonotonicTime) {
        let framesOfGOP = Int(Double(settings.keyframeInterval.wholeMilliseconds) / 1000 * Double(settings.framesPerSecond))
        let mayRepeat = keyframeAt.map { now.duration(since: $0) >= Self.keyframeSpacing } ?? true
        let isKeyframe = sinceKeyframe >= max(1, framesOfGOP) || wantsKeyframe && mayRepeat
        if isKeyframe {
            (wantsKeyframe, sinceKeyframe, keyframeAt) = (false, 0, now)
            counters.keyframes += 1
        }
        let wanted = settings.frameBytes(isKeyframe: isKeyframe) + owedBytes
        let whole = max(1, Int(wanted / Double(settings.packetBytes)))
        let bytes = whole > 1 ? settings.packetBytes : min(settings.packetBytes, max(leastPacketBytes, Int(wanted)))
        owedBytes = max(-wanted, wanted - Double(whole * bytes))
        frame = Frame(
            isKeyframe: isKeyframe, number: sinceKeyframe, timestamp: timestamp(at: nextFrameAt), beginsAt: nextFrameAt, packetCount: whole,
            packetBytes: bytes)
        sinceKeyframe += 1
        frameNumber += 1
        nextFrameAt = nextFrameAt.advanced(by: settings.frameInterval)
        // A machine that stood still does not make up for it with a flood.
        if now.duration(since: nextFrameAt) > .seconds(1) { nextFrameAt = now }
    }

    /// A keyframe, its stamp and its headers fit.
    private var leastPacketBytes: Int { 256 }

    private func writePayload(of frame: Frame, to payload: UnsafeMutableRawBufferPointer) {
        switch settings.codec {
        case .vp8: writeVP8(frame, payload)
        default: writeH264(frame, payload)
        }
    }

    /// The picture's units and filler in one STAP-A (RFC 6184 section 5.7.1), then filler units.
    private func writeH264(_ frame: Frame, _ payload: UnsafeMutableRawBufferPointer) {
        guard frame.nextPacket == 0 else { return writeFiller(payload) }
        let units =
            frame.isKeyframe
            ? [
                H264Picture.sequenceParameterSet, H264Picture.pictureParameterSet,
                H264Picture.keyframe(number: Int(truncatingIfNeeded: counters.keyframes)),
            ] : [H264Picture.repetition(number: frame.number)]
        payload[0] = 0x78  // STAP-A
        var offset = 1
        for unit in units {
            payload.store(UInt16(unit.count), at: offset)
            payload.copy(unit, to: offset + 2)
            offset += 2 + unit.count
        }
        payload.store(UInt16(payload.count - offset - 2), at: offset)
        writeFiller(UnsafeMutableRawBufferPointer(rebasing: payload[(offset + 2)...]))
    }

    private func writeFiller(_ unit: UnsafeMutableRawBufferPointer) {
        unit[0] = H264Picture.fillerHeader
        for index in 1..<unit.count { unit[index] = 0xFF }
    }

    private func writeVP8(_ frame: Frame, _ payload: UnsafeMutableRawBufferPointer) {
        VP8Picture.writeDescriptor(number: frameNumber, beginsPicture: frame.nextPacket == 0, to: payload)
        for index in VP8Picture.descriptorSize..<payload.count { payload[index] = 0xFF }
        guard frame.nextPacket == 0 else { return }
        payload.copy(frame.isKeyframe ? VP8Picture.keyframe : VP8Picture.repetition, to: VP8Picture.descriptorSize)
    }
}

/// The contents of a sender report (RFC 3550 section 6.4.1).
package struct SenderReport: Sendable, Equatable {
    package var ssrc: UInt32
    /// 32.32 fixed point, seconds since 1900.
    package var ntp: UInt64
    package var timestamp: UInt32
    package var packets: UInt32
    package var octets: UInt32
}

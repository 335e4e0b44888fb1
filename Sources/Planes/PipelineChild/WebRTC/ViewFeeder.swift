internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import RTP
internal import Synchronization

/// Brings the hub's packets of one viewer into webrtcbin: payload type and source identifier of the viewer's negotiation, of the header extensions
/// loudness alone, where it is negotiated, and a presentation time that keeps audio and video together.
///
/// Datagrams come on the reader's thread, keyframe requests on the transport's.
final class ViewFeeder: Sendable {
    /// One track's way in.
    struct Lane: Sendable {
        let track: ViewTrack
        let ssrc: UInt32
        let socket: DatagramSocket
        let source: AppSource
    }

    /// The viewer's PLIs within this time are one request: the hub's gate coalesces further.
    private static let requestInterval: UInt64 = 200_000_000

    private struct State {
        var clock: RTPClock
        var skipping: [Bool]
        var gaps: [Bool]
        var sequences: [SequenceContinuity]
        var tellsAudioLevels = false
        var counters = PipelineStats()
    }

    let lanes: [Lane]
    private let gate: MediaGate
    private let state: Mutex<State>
    private let lastRequests: Mutex<[UInt64]>

    init(lanes: [Lane], gate: MediaGate) {
        self.lanes = lanes
        self.gate = gate
        let clock = RTPClock(clockRates: lanes.map(\.track.source.clockRate))
        let none = lanes.map { _ in false }
        state = Mutex(State(clock: clock, skipping: none, gaps: none, sequences: lanes.map { _ in SequenceContinuity() }))
        lastRequests = Mutex(lanes.map { _ in 0 })
    }

    /// Counters so far.
    var statistics: PipelineStats { state.withLock { $0.counters } }

    /// From now on packets say how loud they are, where the hub's do.
    func tellAudioLevels() { state.withLock { $0.tellsAudioLevels = true } }

    /// Takes one datagram of the hub. `baseTime` is the pipeline's: running time zero on CLOCK_MONOTONIC.
    func take(_ header: MediaDatagram, _ packet: UnsafeRawBufferPointer, lane index: Int, baseTime: ClockTime?) {
        switch header.kind {
        case .rtp: feed(packet, header, index, baseTime)
        case .senderReport:
            guard let report = SenderReportView(inCompound: packet) else { return }
            state.withLock { $0.clock.senderReport(track: index, ntp: report.ntp, timestamp: report.rtp, arrival: header.time) }
        case .keyframeRequest, .end: break
        }
    }

    private func feed(_ packet: UnsafeRawBufferPointer, _ header: MediaDatagram, _ index: Int, _ baseTime: ClockTime?) {
        guard let view = RTPPacketView(reading: packet) else { return }
        let lane = lanes[index]
        state.withLock { state in
            state.counters.packetsIn += 1
            if header.flags.contains(.discontinuity) { state.clock.expectDiscontinuity() }
            let due = state.clock.presentationTime(track: index, timestamp: view.timestamp, arrival: header.time)
            // Before the viewer is connected nothing is kept: it starts from the hub's GOP cache or a new keyframe.
            guard gate.canSend, !state.skipping[index] || lane.track.source.kind == .audio else {
                drop(view, &state, index)
                return
            }
            let time = baseTime.map { ClockTime(nanoseconds: due.nanoseconds > $0.nanoseconds ? due.nanoseconds - $0.nanoseconds : 0) }
            let isGap = state.gaps[index]
            let level = state.tellsAudioLevels ? lane.audioLevel(of: view) : nil
            let header = RTPPacketView.fixedHeaderSize + (level == nil ? 0 : Lane.levelBytes)
            let size = header + packet.count - view.payloadRange.lowerBound
            let sequence = state.sequences[index].next(view.sequence)
            let result = lane.source.push(count: size, time: time, isDiscontinuity: isGap) {
                lane.write(packet, view, sequence: sequence, level: level, to: $0)
            }
            guard result == .accepted else {
                drop(view, &state, index)
                return
            }
            state.gaps[index] = false
            state.counters.packetsOut += 1
            state.counters.bytesOut = (state.counters.bytesOut ?? 0) + UInt64(size)
        }
    }

    /// Drops to the end of the frame.
    private func drop(_ view: RTPPacketView, _ state: inout State, _ index: Int) {
        state.counters.packetsDropped += 1
        state.gaps[index] = true
        state.skipping[index] = gate.canSend && !view.marker
    }

    /// Asks the hub for a keyframe of each video lane that lost packets while nothing could be sent: the viewer has just connected, and need
    /// not find out by itself.
    func requestMissedKeyframes() {
        let gaps = state.withLock { $0.gaps }
        for (index, lane) in lanes.enumerated() where gaps[index] && lane.track.source.kind == .video { requestKeyframe(lane: index) }
    }

    /// Asks the hub for a keyframe of a lane, as the viewer asked us.
    func requestKeyframe(lane index: Int) {
        let now = ClockTime.now.nanoseconds
        let isDue = lastRequests.withLock { last in
            guard now - last[index] >= Self.requestInterval else { return false }
            last[index] = now
            return true
        }
        guard isDue else { return }
        let lane = lanes[index]
        let request = MediaDatagram(
            kind: .keyframeRequest, track: lane.track.source.index, sequence: 0, time: MonotonicTime(nanoseconds: now))
        withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
            request.write(to: bytes)
            lane.socket.send(UnsafeRawBufferPointer(bytes))
        }
    }
}

extension ViewFeeder.Lane {
    /// An extension of one byte, with its block's header and padded to whole words.
    fileprivate static let levelBytes = ExtensionWriter.blockHeaderSize + 4

    /// How loud the packet says that it is (RFC 6464 section 3: a flag and the level).
    fileprivate func audioLevel(of packet: RTPPacketView) -> UInt8? {
        guard let identifier = track.audioLevel else { return nil }
        return HeaderExtensionElements(packet).first { $0.identifier == identifier }?.value.first
    }

    /// Writes the packet with our payload type and source, without CSRC list and extensions but `level`: their numbers belong to the publisher's
    /// negotiation. Padding stays, so its flag does.
    fileprivate func write(
        _ packet: UnsafeRawBufferPointer, _ view: RTPPacketView, sequence: UInt16, level: UInt8?, to out: UnsafeMutableRawBufferPointer
    ) {
        var fixed = RTPPacketView.fixedHeaderSize
        out.copyMemory(from: UnsafeRawBufferPointer(rebasing: packet[..<fixed]))
        out[0] = packet[0] & 0xE0  // version and padding flag; extension flag and CSRC count are zero
        out[1] = packet[1] & 0x80 | track.payloadType & 0x7F
        out.storeBytes(of: sequence.bigEndian, toByteOffset: 2, as: UInt16.self)
        out.storeBytes(of: ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
        if var level, let identifier = track.audioLevel {
            out[0] |= 0x10  // the extension flag
            var block = ExtensionWriter(UnsafeMutableRawBufferPointer(rebasing: out[fixed..<fixed + Self.levelBytes]), form: .oneByte)
            _ = withUnsafeBytes(of: &level) { block.append(identifier, $0) }
            fixed += block.finish()
        }
        UnsafeMutableRawBufferPointer(rebasing: out[fixed...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: packet[view.payloadRange.lowerBound...]))
    }
}

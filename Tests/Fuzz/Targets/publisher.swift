import BridgeModel
import Forwarding
import RTP

/// A publisher's datagrams with time: each is two bytes (a length, and a kind with a delay) and its bytes. All that is written back is well-formed.
func fuzzPublisher(_ bytes: UnsafeRawBufferPointer) {
    var scene = PublisherScene()
    var rest = bytes
    while rest.count >= 2 {
        let size = min(Int(rest[0]), rest.count - 2)
        scene.play(kind: rest[1] >> 6, delay: Int64(rest[1] & 0x3F), UnsafeRawBufferPointer(rebasing: rest[2..<2 + size]))
        rest = UnsafeRawBufferPointer(rebasing: rest[(2 + size)...])
    }
    scene.readStatistics()
}

private struct PublisherScene: ~Copyable {
    private var ingress: PublisherIngress
    private var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private var control = [UInt8](repeating: 0, count: PublisherIngress.controlCapacity)
    private var events: [IngressControlEvent] = []

    init() {
        var video = IngressTrackParameters(
            codec: .vp9, mid: ExtensionToken("1"), payloadType: 96, rtxPayloadType: 97, feedback: .all,
            encodings: ["q", "h", "f"].map { IngressEncodingParameters(rid: ExtensionToken($0)) })
        video.redundancy = RedundancyFormat(red: 98, redRTX: 99, ulpfec: 100)
        let plain = IngressTrackParameters(
            codec: .h264, mid: ExtensionToken("2"), payloadType: 102, feedback: [.nack, .fullIntraRequest, .receiverEstimate],
            encodings: [IngressEncodingParameters(ssrc: 1, rtxSSRC: 2)])
        let audio = IngressTrackParameters(codec: .opus, mid: ExtensionToken("0"), payloadType: 111)
        let extensions = ExtensionMap([
            .mid: 1, .streamID: 2, .repairedStreamID: 3, .absoluteSendTime: 4, .transportSequence: 5, .audioLevel: 6,
        ])
        ingress = PublisherIngress(
            IngressParameters(tracks: [audio, video, plain], extensions: extensions, localSSRC: 9, canonicalName: "fuzz"))
    }

    mutating func play(kind: UInt8, delay: Int64, _ bytes: UnsafeRawBufferPointer) {
        now = now.advanced(by: .milliseconds(delay * delay))
        switch kind {
        case 0, 1:
            var copy = Array(bytes)
            copy.withUnsafeMutableBytes { _ = ingress.receive($0, arrival: now) }
        case 2: ingress.receiveControl(bytes, arrival: now, events: &events)
        default: for encoding in 0..<ingress.encodingCount { ingress.requestKeyframe(of: encoding, now: now) }
        }
        events.removeAll(keepingCapacity: true)
        writeControl()
    }

    borrowing func readStatistics() {
        for encoding in 0..<ingress.encodingCount { _ = ingress.statistics(of: encoding, now: now) }
    }

    private mutating func writeControl() {
        for round in 0... {
            // A handful of compounds must be all that is due at one time.
            precondition(round < 100, "control ends")
            let size = control.withUnsafeMutableBytes { ingress.writeControl(to: $0, now: now) }
            guard size > 0 else { return }
            control.withUnsafeBytes { precondition(RTCPCompound.check(UnsafeRawBufferPointer(rebasing: $0[..<size]))) }
        }
    }
}

import BridgeModel
import LoadGeneration
import SDP

private let offer: ClientOffer = {
    var video = NegotiatedFormat(
        codec: .h264, payloadType: 96, channels: 1, parameters: FormatParameters("packetization-mode=1"),
        feedback: [.nack, .pictureLoss, .transportWide])
    video.rtxPayloadType = 97
    let extensions = [NegotiatedExtension(id: 1, kind: .mid), NegotiatedExtension(id: 2, kind: .transportSequence)]
    return ClientOffer(
        ufrag: "ufrag", password: Redacted("0123456789012345678901"),
        fingerprint: Fingerprint(algorithm: "sha-256", value: "AB" + String(repeating: ":AB", count: 31)),
        sections: [ClientOffer.Section(mid: "0", direction: .recvonly, formats: [video], extensions: extensions)])
}()

private let section = ClientAnswer.Section(
    mid: "0", formats: offer.sections[0].formats, extensions: offer.sections[0].extensions)

/// A hostile server of `viaduct load`: the whole text as an answer, and records (a kind, a length and as many bytes) as what it sends to a viewer.
func fuzzLoad(_ bytes: UnsafeRawBufferPointer) {
    if let answer = try? ClientAnswer(String(decoding: bytes, as: UTF8.self), to: offer) { precondition(!answer.sections.isEmpty) }
    var now = MonotonicTime(nanoseconds: 1_000_000_000)
    var viewer = ViewerReception([ReceivedTrack(section)], feedback: .browser, sender: 1, startedAt: now, now: now)
    var offset = 0
    while offset + 2 <= bytes.count {
        let end = min(bytes.count, offset + 2 + Int(bytes[offset + 1]))
        let content = UnsafeRawBufferPointer(rebasing: bytes[offset + 2..<end])
        now = now.advanced(by: .milliseconds(Int64(bytes[offset] >> 2)))
        if bytes[offset] & 1 == 0 {
            _ = viewer.receive(content, now: now, wall: now.nanoseconds / 1000)
        } else {
            viewer.receiveControl(content, now: now)
        }
        withUnsafeTemporaryAllocation(byteCount: 1200, alignment: 8) { slot in
            precondition(viewer.writeControl(to: slot, now: now) <= slot.count)
        }
        offset = max(end, offset + 2)
    }
    let counters = viewer.counters
    precondition(counters.recovered <= counters.packets && counters.stamped <= counters.packets)
}

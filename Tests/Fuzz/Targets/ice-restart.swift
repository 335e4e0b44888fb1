import BridgeModel
import SDP

/// What a session began with. The seeds repeat it with other credentials.
let sampleOffer = """
    v=0\r
    o=- 7 2 IN IP4 127.0.0.1\r
    s=-\r
    t=0 0\r
    a=group:BUNDLE 0 1\r
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r
    c=IN IP4 0.0.0.0\r
    a=ice-ufrag:frag\r
    a=ice-pwd:0123456789abcdefghijkl\r
    a=fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\r
    a=setup:actpass\r
    a=mid:0\r
    a=sendonly\r
    a=rtcp-mux\r
    a=rtpmap:111 opus/48000/2\r
    m=video 9 UDP/TLS/RTP/SAVPF 96\r
    c=IN IP4 0.0.0.0\r
    a=mid:1\r
    a=sendonly\r
    a=rtcp-mux\r
    a=rtpmap:96 VP8/90000\r

    """

private let ours = IceParameters(ufrag: "ours", password: Redacted("zyxwvutsrqponmlkjihgfe"))
private let candidate = "candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host"

/// An offer over RTM that is to restart ICE, and the answer to it: of the session above, and of one that began with the same text.
func fuzzIceRestart(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let restart = IceRestart(of: sampleOffer, by: text) {
        precondition(restart.credentials != IceParameters(ufrag: "frag", password: Redacted("0123456789abcdefghijkl")))
        // What restarted once can go back.
        precondition(IceRestart(of: text, by: sampleOffer) != nil)
    }
    precondition(IceRestart(of: text, by: text) == nil)
    askOnceMore(text)
    guard let answer = IceRestart.renewed(text, with: ours, candidates: [candidate]) else { return }
    // Every credential is the new one, and no candidate of the former answer is left.
    guard let before = try? SessionDescription.parse(text), let after = try? SessionDescription.parse(answer) else {
        preconditionFailure("our answer cannot be read")
    }
    precondition(before.sections.count == after.sections.count)
    for attributes in after.sections.map(\.attributes) + [after.attributes] {
        for attribute in attributes {
            if attribute.name == "ice-ufrag" { precondition(attribute.value == ours.ufrag) }
            if attribute.name == "ice-pwd" { precondition(attribute.value == ours.password.revealed) }
            if attribute.name == "candidate" { precondition("candidate:" + (attribute.value ?? "") == candidate) }
        }
    }
}

/// The text as an offer of ours that ICE begins anew from, and as what is said to it.
private func askOnceMore(_ text: String) {
    var random = SystemRandomNumberGenerator()
    if let request = IceRestartRequest(of: text, using: &random) {
        precondition(IceRestart(of: text, by: request.offer)?.credentials == request.credentials)
        precondition((try? TrickleFragment.parse(request.fragment.print())) == request.fragment)
    }
    guard let known = IceRestartRequest(of: sampleOffer, using: &random) else { preconditionFailure("the former offer is none") }
    if let fragment = try? known.read(answer: text) { precondition(fragment.credentials != nil) }
}

import BridgeModel

/// A camera's offer and the bridge's answer to it.
enum SampleCall {
    static let offer = description(direction: "sendonly", setup: "actpass", digest: "AB")
    static let answer = description(direction: "recvonly", setup: "active", digest: "CD")
    /// An answer that refuses the only section.
    static let refusal = answer.replacing("m=video 9", with: "m=video 0")
    static let candidate = "candidate:1 1 udp 2130706431 192.0.2.17 5001 typ host"

    private static func description(direction: String, setup: String, digest: String) -> String {
        let lines = [
            "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0", "m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0",
            "a=ice-ufrag:QoWQ", "a=ice-pwd:4JAfScHElAPJfHza29pNMd",
            "a=fingerprint:sha-256 \(digest)" + String(repeating: ":\(digest)", count: 31), "a=setup:\(setup)", "a=rtcp-mux",
            "a=\(direction)", "a=mid:0", "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack pli",
        ]
        return lines.map { $0 + "\r\n" }.joined()
    }
}

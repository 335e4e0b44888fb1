import BridgeModel

/// Small offers of a publisher and a viewer, and the answer of an engine that goes along with all it is offered.
enum SampleOffer {
    static let publish = offer(direction: "sendonly", video: vp8)
    static let view = offer(direction: "recvonly", video: vp8)
    static let viewOfH264 = offer(direction: "recvonly", video: ["a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"])
    static let viewOfBaseline = offer(
        direction: "recvonly",
        video: ["a=rtpmap:96 H264/90000", "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"])

    private static let vp8 = ["a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli"]

    static func candidate(_ port: Int) -> String { "candidate:1 1 udp 2130706431 192.0.2.17 \(port) typ host" }

    /// What the engine says to the offer of its plan.
    static func answer(to engineOffer: String) -> String {
        engineOffer.split(separator: "\r\n").map { line in
            switch line {
            case "a=sendonly": "a=recvonly"
            case "a=recvonly": "a=sendonly"
            case "a=setup:actpass": "a=setup:active"
            default: String(line)
            }
        }.joined(separator: "\r\n") + "\r\n"
    }

    private static func offer(direction: String, video: [String]) -> String {
        let session = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
        let transport = [
            "c=IN IP4 0.0.0.0", "a=ice-ufrag:QoWQ", "a=ice-pwd:4JAfScHElAPJfHza29pNMd",
            "a=fingerprint:sha-256 AB" + String(repeating: ":AB", count: 31), "a=setup:actpass", "a=rtcp-mux", "a=\(direction)",
        ]
        let sections =
            ["m=video 9 UDP/TLS/RTP/SAVPF 96"] + transport + ["a=mid:0"] + video
            + ["m=audio 9 UDP/TLS/RTP/SAVPF 111"] + transport + ["a=mid:1", "a=rtpmap:111 opus/48000/2"]
        return (session + sections).map { $0 + "\r\n" }.joined()
    }
}

internal import CGStreamer
internal import CGStreamerShims

/// A webrtcbin with its ICE agent tamed and its DTLS identity set.
///
/// webrtcbin 1.22 never compares the peer's certificate with the SDP: use `onPeerCertificate` and keep media shut until it was right.
package final class WebRTCBin: Sendable {
    /// The webrtcbin, to be added to a pipeline.
    package let element: Element
    private let agent: Object

    /// How the agent gathers.
    package struct ICE: Sendable, Equatable {
        /// Local addresses to gather on; empty: all that libnice finds.
        package var addresses: [String] = []
        /// First and last UDP port; nil leaves it to the kernel.
        package var ports: ClosedRange<UInt16>?
        /// `stun://host:port`.
        package var stunServer: String?
        /// `turn://user:password@host:port?transport=udp`.
        package var turnServers: [String] = []
        /// Relay candidates only.
        package var relayOnly = false

        package init() {}
    }

    /// Makes one that bundles everything on one transport. `pem` is the private key and certificate of its DTLS identity;
    /// `latency` is how long its jitter buffers wait for a lost packet.
    package init(name: String, ice: ICE, pem: String, latency: ClockTime) throws(GStreamerError) {
        element = try Element("webrtcbin", name: name)
        try element.set(["bundle-policy": "max-bundle", "latency": String(latency.nanoseconds / 1_000_000)])
        guard let gatherer = element.object("ice-agent"), let agent = gatherer.object("agent") else {
            throw GStreamerError(.ice, "webrtcbin has no libnice agent")
        }
        self.agent = agent
        // Before anything is gathered: UPnP costs a thread and eleven descriptors an agent; TCP candidates are not used. Keep-alives
        // that ask for an answer, every 5 s, let a living peer be heard; libnice alone would notice its loss after 50 s.
        try agent.set(["upnp": "false", "ice-tcp": "false", "keepalive-conncheck": "true"])
        try apply(ice, to: gatherer)
        element.onElementAdded { added in
            guard added.factoryName == "dtlssrtpdec" else { return }
            try? added.set("pem", pem)
        }
    }

    private func apply(_ ice: ICE, to gatherer: Object) throws(GStreamerError) {
        for address in ice.addresses where vgst_emit_add_local_address(gatherer.raw, address) == 0 {
            throw GStreamerError(.ice, "\(address) is no local address")
        }
        if let ports = ice.ports {
            // The upper end first: each end is checked against the other when it is set.
            try gatherer.set(["max-rtp-port": String(ports.upperBound), "min-rtp-port": String(ports.lowerBound)])
        }
        if let stunServer = ice.stunServer { try element.set("stun-server", stunServer) }
        if ice.relayOnly { try element.set("ice-transport-policy", "relay") }
        for server in ice.turnServers where vgst_emit_add_turn_server(element.raw, server) == 0 {
            throw GStreamerError(.ice, "a TURN server's address is malformed")
        }
    }

    /// Calls `body` with the peer's certificate in PEM whenever a DTLS handshake shows one: inside the handshake, before keys exist and
    /// before any media can flow. On the DTLS thread; it must not wait.
    package func onPeerCertificate(_ body: @escaping @Sendable (_ pem: String) -> Void) {
        element.onElementAdded { added in
            guard added.factoryName == "dtlssrtpdec" else { return }
            added.onChange(of: "peer-pem") { decoder in body(decoder.string("peer-pem") ?? "") }
        }
    }

    /// Calls `body` when the peer has closed its DTLS connection (RFC 5246 section 7.2.1), which the overall state does not show. On the DTLS
    /// thread.
    package func onPeerGoodbye(_ body: @escaping @Sendable () -> Void) {
        element.onElementAdded { added in
            guard added.factoryName == "dtlssrtpdec" else { return }
            added.onChange(of: "connection-state") { decoder in
                if decoder.integer("connection-state") == Self.dtlsClosed { body() }
            }
        }
    }

    /// GST_DTLS_CONNECTION_STATE_CLOSED
    private static let dtlsClosed: Int64 = 1

    /// Calls `body` with each new overall state. On webrtcbin's thread.
    package func onConnectionState(_ body: @escaping @Sendable (ConnectionState) -> Void) {
        element.onChange(of: "connection-state") { bin in
            guard let state = bin.integer("connection-state").flatMap(ConnectionState.init(rawValue:)) else { return }
            body(state)
        }
    }

    /// Calls `body` when every candidate has been gathered. On webrtcbin's thread.
    package func onGatheringComplete(_ body: @escaping @Sendable () -> Void) {
        element.onChange(of: "ice-gathering-state") { bin in
            if bin.integer("ice-gathering-state") == Self.gatheringComplete { body() }
        }
    }

    /// Whether ICE has a working pair now: what fails meanwhile is DTLS.
    package var isICEUp: Bool { element.integer("ice-connection-state").map(Self.iceUp.contains) ?? false }

    /// GST_WEBRTC_ICE_CONNECTION_STATE_CONNECTED and _COMPLETED
    private static let iceUp: ClosedRange<Int64> = 2...3

    /// GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE
    private static let gatheringComplete: Int64 = 2

    /// RTCPeerConnectionState (W3C WebRTC), in GstWebRTCPeerConnectionState's numbers.
    package enum ConnectionState: Int64, Sendable {
        case new = 0
        case connecting, connected, disconnected, failed, closed
    }

    /// Kinds of description.
    package enum DescriptionKind: Sendable {
        case offer, answer

        fileprivate var raw: GstWebRTCSDPType { self == .offer ? GST_WEBRTC_SDP_TYPE_OFFER : GST_WEBRTC_SDP_TYPE_ANSWER }
        fileprivate var action: String { self == .offer ? "create-offer" : "create-answer" }
        fileprivate var field: String { self == .offer ? "offer" : "answer" }
    }

    /// Applies the peer's description. Only SDP that our own gate printed may come here.
    package func setRemoteDescription(_ sdp: String, kind: DescriptionKind) async throws(GStreamerError) {
        try await set("set-remote-description", sdp, kind: kind)
    }

    /// Makes our offer or answer and applies it, which starts gathering.
    package func makeLocalDescription(_ kind: DescriptionKind) async throws(GStreamerError) {
        let sdp = try await Promise.reply(field: kind.field, of: kind.action) { promise in
            vgst_emit_create(element.raw, kind.action, promise)
        }
        try await set("set-local-description", sdp, kind: kind)
    }

    /// Our description with the candidates found so far; nil before there is one.
    package var localDescription: String? {
        guard let description = vgst_get_description(element.raw, "local-description") else { return nil }
        defer { gst_webrtc_session_description_free(description) }
        return sdpText(of: description)
    }

    /// Gives the agent one of the peer's candidates (`candidate:...`); errors of webrtcbin stay silent, so parse it before.
    package func addCandidate(_ candidate: String, lineIndex: UInt32) {
        vgst_emit_add_ice_candidate(element.raw, lineIndex, candidate)
    }

    /// Begins another ICE session (RFC 8445 section 9), which webrtcbin 1.22 itself cannot: within the same transport, from the sockets that there are,
    /// and the descriptions stay as they were. The peer's candidates follow by `addCandidate`.
    package func restartICE(local: (ufrag: String, password: String), remote: (ufrag: String, password: String)) {
        vgst_restart_ice(agent.raw, local.ufrag, local.password, remote.ufrag, remote.password)
    }

    /// Adds a transceiver that only receives what `caps` say (`application/x-rtp,...`): before an offer is made, one for each section;
    /// for an answer, the offer's sections are matched in order. With `retransmission` it asks for lost packets (NACK, RTX).
    package func addReceiver(_ caps: Caps, retransmission: Bool) throws(GStreamerError) {
        guard let transceiver = vgst_emit_add_transceiver(element.raw, GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, caps.handle) else {
            throw GStreamerError(.sessionDescription, "add-transceiver: refused")
        }
        try Object(owning: UnsafeMutableRawPointer(transceiver)).set("do-nack", retransmission ? "true" : "false")
    }

    /// Calls `body` with each RTCP packet that arrives, decrypted, on the transport's thread; it must not wait.
    package func onIncomingRTCP(_ body: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) {
        guard let rtpbin = element.descendant(named: "rtpbin") else { return }
        rtpbin.onPadAdded { pad in
            guard pad.name.hasPrefix("recv_rtcp_sink") else { return }
            pad.inspectBuffers { bytes in
                body(bytes)
                return .pass
            }
        }
    }

    /// Changes whenever the transport has read a datagram, be it STUN, DTLS or media. Any thread.
    package var newestDatagram: Int64 { Int64(vgst_newest_datagram(agent.raw)) }

    /// A weak reference to the ICE agent, for tests.
    package func watchAgent() -> LifetimeWatch { agent.watchLifetime() }

    private func set(_ action: String, _ sdp: String, kind: DescriptionKind) async throws(GStreamerError) {
        var message: UnsafeMutablePointer<GstSDPMessage>?
        guard gst_sdp_message_new_from_text(sdp, &message) == GST_SDP_OK, let message else {
            throw GStreamerError(.sessionDescription, "\(action): GStreamer cannot read the SDP")
        }
        guard let description = gst_webrtc_session_description_new(kind.raw, message) else {
            throw GStreamerError(.sessionDescription, "\(action): no description")
        }
        defer { gst_webrtc_session_description_free(description) }
        _ = try await Promise.reply(field: nil, of: action) { promise in
            vgst_emit_set_description(element.raw, action, description, promise)
        }
    }
}

extension Pad {
    /// The media section that a pad of webrtcbin belongs to, from 0; nil when it belongs to none.
    package var mediaSection: Int? {
        object("transceiver")?.unsigned("mlineindex").map { Int($0) }
    }
}

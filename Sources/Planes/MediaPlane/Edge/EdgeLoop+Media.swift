import Bridge
import BridgeModel
import Forwarding
import PeerTransport
import RTP
import SDP
import SecureTransport

extension EdgeLoop {
    /// A peer connected: it begins to watch, or waits until its tracks may enter the hub.
    mutating func beginMedia(of peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        guard let protection = peer.protection else { return }
        switch peer.use {
        case .publish: break
        case .watch(let id):
            guard let stream = streams[id] else { return close(peer, streams: &streams, ports: &ports, now: now) }
            let parameters = peer.negotiated.viewerParameters(rules: environment.viewerRules)
            let viewer = EdgeViewer(peer: peer, protection: protection, parameters: parameters, stream: stream, now: now)
            peer.media = .viewer(viewer, stream)
            stream.add(viewer, ports: &ports, now: now)
            streams.heed(stream)
        }
    }

    /// The tracks of a connected publisher enter the hub.
    mutating func publish(_ peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        guard peer.protection != nil, case .publish(let id) = peer.use, case .none = peer.media else { return }
        let tracks = peer.negotiated.publishedTracks
        let stream = streams.publish(id, tracks: tracks, from: peer, ports: &ports, now: now)
        peer.media = .publisher(EdgePublisher(tracks, stream: stream, ssrc: environment.ssrc(of: peer.index)))
    }

    /// A peer is over: what it watched goes on without it; what it sent waits for another source, or to be unpublished.
    func endMedia(of peer: EdgePeer) {
        switch peer.media {
        case .none, .publisher: break
        case .viewer(let viewer, let stream): stream.remove(viewer)
        }
        peer.media = .none
    }

    /// Asks publishers for the keyframes that the hub wants.
    mutating func sendKeyframeRequests(ports: inout MediaPorts, now: MonotonicTime) {
        guard !ports.edge.keyframeRequests.isEmpty else { return }
        let requests = ports.edge.keyframeRequests
        ports.edge.keyframeRequests.removeAll()
        for (peer, track) in requests {
            guard case .publisher(let publisher) = peer.media, let protection = peer.protection,
                let path = peer.transport.mediaPath(now: now)
            else { continue }
            ports.edge.begin(path)
            guard let slot = ports.edge.slot(Self.controlRoom) else { return }
            let plain = publisher.writeKeyframeRequest(of: track, into: slot)
            guard plain > 0, let size = try? protection.protectRTCP(UnsafeRawBufferPointer(rebasing: slot[..<plain]), into: slot) else { continue }
            ports.edge.commit(size)
        }
    }

    /// Reports, requests and SRTCP's part.
    private static let controlRoom = 256
}

extension NegotiatedPeer {
    /// What a viewer is sent.
    func viewerParameters(rules: EgressViewerRules) -> EgressViewerParameters {
        let tracks = sections.compactMap { section -> EgressTrackParameters? in
            guard section.direction == .sendonly, let track = section.trackIndex, let source = section.localSource else { return nil }
            var parameters = EgressTrackParameters(
                codec: section.format.codec, encodings: [track], payloadType: section.format.payloadType, ssrc: source.ssrc)
            parameters.extensions = EgressExtensions(
                absoluteSendTime: section.id(of: .absoluteSendTime) ?? 0, transportSequence: section.id(of: .transportSequence) ?? 0)
            parameters.answersNACK = section.format.feedback.contains(.nack)
            if let payloadType = section.format.rtxPayloadType, let ssrc = source.rtx {
                parameters.retransmission = RetransmissionFormat(payloadType: payloadType, ssrc: ssrc)
            }
            return parameters
        }
        let name = sections.lazy.compactMap { $0.localSource?.cname }.first ?? "viaduct"
        return EgressViewerParameters(tracks: tracks, canonicalName: name, rules: rules)
    }
}

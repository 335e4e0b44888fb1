import Glibc

/// One program for all targets: building and linking takes longer than a short run. `FUZZ_TARGET` in the environment chooses.
private let targets: [String: @Sendable (UnsafeRawBufferPointer) -> Void] = [
    "aac": fuzzAAC,
    "av1-depacketizer": fuzzAV1Depacketizer,
    "camera-orders": fuzzCameraOrders,
    "camera-words": fuzzCameraWords,
    "cluster-index": fuzzClusterIndex,
    "composite-layout": fuzzCompositeLayout,
    "configuration": fuzzConfiguration,
    "control": fuzzControl,
    "delivery-url": fuzzDeliveryURL,
    "depacketizers": fuzzDepacketizers,
    "destination": fuzzDestination,
    "dtls": fuzzDTLS,
    "edge-offer": fuzzEdgeOffer,
    "egress": fuzzEgress,
    "http-body": fuzzHTTPBody,
    "http-fields": fuzzHTTPFields,
    "http-head": fuzzHTTPHead,
    "ice-restart": fuzzIceRestart,
    "isomedia": fuzzISOMedia,
    "janus": fuzzJanus,
    "json": fuzzJSON,
    "load": fuzzLoad,
    "matroska": fuzzMatroska,
    "media-datagram": fuzzMediaDatagram,
    "payload-descriptors": fuzzPayloadDescriptors,
    "peer-transport": fuzzPeerTransport,
    "picture-header": fuzzPictureHeader,
    "playback": fuzzPlayback,
    "publisher": fuzzPublisher,
    "recording-policy": fuzzRecordingPolicy,
    "recording-queries": fuzzRecordingQueries,
    "retention-rule": fuzzRetentionRule,
    "retransmission": fuzzRetransmission,
    "room-messages": fuzzRoomMessages,
    "room-journal": fuzzRoomJournal,
    "room-orders": fuzzRoomOrders,
    "rtcp": fuzzRTCP,
    "rtm": fuzzRTM,
    "rtp": fuzzRTP,
    "rtp-extensions": fuzzRTPExtensions,
    "sdp": fuzzSDP,
    "srtp": fuzzSRTP,
    "stream-framing": fuzzStreamFraming,
    "stun": fuzzSTUN,
    "token": fuzzToken,
    "transport-feedback": fuzzTransportFeedback,
    "websocket": fuzzWebSocket,
    "whip-fragment": fuzzWHIPFragment,
    "whip-reply": fuzzWHIPReply,
]

private let chosen: @Sendable (UnsafeRawBufferPointer) -> Void = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = targets[name] else {
        print("FUZZ_TARGET names no target; there are: \(targets.keys.sorted().joined(separator: " "))")
        exit(2)
    }
    return target
}()

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafeRawPointer?, _ count: Int) -> CInt {
    chosen(UnsafeRawBufferPointer(start: start, count: count))
    return 0
}

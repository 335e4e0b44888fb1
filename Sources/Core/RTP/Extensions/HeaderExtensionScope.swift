package import BridgeModel

extension HeaderExtensionKind {
    /// Whether a forwarder hands the value on as it is. The others speak of one hop or one transport, and are written anew for each viewer.
    package var isEndToEnd: Bool {
        switch self {
        case .audioLevel, .videoOrientation, .absoluteCaptureTime, .dependencyDescriptor: true
        case .mid, .streamID, .repairedStreamID, .absoluteSendTime, .transportSequence: false
        }
    }
}

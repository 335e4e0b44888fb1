package import Bridge

// How a camera's socket is closed, and what its end means.
extension CloseCode {
    /// The text of a camera's close frame, at most 123 bytes (RFC 6455 section 5.5).
    package var reasonOfCamera: String {
        switch self {
        case .startTimeout: "no hello in time"
        case .takenOver: "a newer socket of this camera took over"
        default: reason
        }
    }
}

extension CameraEnd {
    /// - Parameters:
    ///   - closeCode: The socket's (RFC 6455 section 7.1.5).
    ///   - isOurs: The bridge closed it first.
    package init(closeCode: UInt16, isOurs: Bool) {
        self =
            switch CloseCode(rawValue: closeCode) {
            case .goingAway where isOurs: .bridgeStopped
            case .unsupportedData, .invalidPayload, .messageTooBig, .badMessages, .rateExceeded: .protocolError
            case _ where isOurs || closeCode == Self.abnormal: .connectionLost
            // A close frame with another code, or none, is a goodbye, too.
            default: .left
            }
    }

    /// The connection was lost without a close frame.
    private static let abnormal: UInt16 = 1006
}

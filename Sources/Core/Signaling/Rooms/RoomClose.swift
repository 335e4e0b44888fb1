package import Bridge
package import BridgeModel

// How a room's socket is closed.
extension CloseCode {
    /// The room is done with the socket.
    package init(_ end: RoomSocketEnd) {
        self =
            switch end {
            case .normal: .normal
            case .takenOver: .takenOver
            case .removed: .removed
            case .refused: .forbidden
            }
    }

    /// The link does not open the socket.
    package init(opening error: BridgeError) {
        self =
            switch error.code {
            case .forbidden: .forbidden
            case .notFound: .notFound
            case .limitReached, .unavailable: .tryAgainLater
            default: .internalFault
            }
    }

    /// The text of a room's close frame, at most 123 bytes (RFC 6455 section 5.5).
    package var reasonInRoom: String {
        switch self {
        case .normal: "you left, or the room is over"
        case .tryAgainLater: "too many frames unsent, or no room for another socket"
        case .forbidden: "the link does not let you in"
        case .notFound: "no such room, or it is over"
        case .startTimeout: "no join in time"
        case .takenOver: "you came in by another socket"
        case .removed, .goingAway, .unsupportedData, .invalidPayload, .messageTooBig, .internalFault, .badMessages, .sessionEnded,
            .rateExceeded:
            reason
        }
    }
}

import Bridge
import BridgeModel

/// The bridge's refusals in RTM's words.
extension RTMError {
    /// An offer that `openPeer` refused.
    init(offer error: BridgeError, direction: SessionContext.Direction) {
        switch error.code {
        case .unacceptableOffer, .invalidField: self.init(.unacceptableOffer, error.message, field: "data.sdp")
        case .notFound where direction == .watch: self.init(.noActiveSession, error.message)
        case .forbidden: self.init(.wrongRole, error.message)
        default: self.init(.internal, error.message)
        }
    }

    /// A session that could not be recorded.
    init(recordingSession error: BridgeError) {
        switch error.code {
        case .notFound: self.init(.sessionNotFound, error.message)
        case .forbidden: self.init(.wrongRole, error.message)
        default: self.init(.internal, error.message)
        }
    }

    /// An ICE restart that the engine could not begin.
    init(restart error: BridgeError) {
        switch error.code {
        case .unavailable, .notFound: self.init(.unacceptableOffer, error.message, field: "data.sdp")
        default: self.init(.internal, error.message)
        }
    }

    /// A candidate that the engine could not read.
    init(candidate error: BridgeError) {
        self.init(error.code == .invalidField ? .invalidField : .internal, error.message, field: "data.candidate")
    }

    /// A recording that could not begin.
    init(recording error: BridgeError) {
        switch error.code {
        case .invalidURL: self.init(.invalidURL, error.message, field: "data.upload_url")
        case .limitReached: self.init(.recordingActive, error.message)
        case .notFound: self.init(.notStarted, error.message)
        case .invalidField: self.init(.invalidField, error.message, field: "data.stream")
        case .forbidden: self.init(.wrongRole, error.message)
        default: self.init(.internal, error.message)
        }
    }

    /// A layer that could not be chosen.
    init(selecting error: BridgeError) {
        switch error.code {
        case .invalidField: self.init(.layerNotFound, error.message, field: "data")
        case .notFound: self.init(.notStarted, error.message)
        default: self.init(.internal, error.message)
        }
    }

    /// A recording that could not be stopped.
    init(stopping error: BridgeError) {
        self.init(error.code == .notFound ? .recordingNotFound : .internal, error.message)
    }
}

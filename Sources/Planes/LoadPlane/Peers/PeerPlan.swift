package import BridgeModel
package import LoadGeneration
package import SDP
package import SecureTransport

/// What a peer is told when its server has answered.
package struct PeerPlan: Sendable {
    /// What it is there for.
    package enum Role: Sendable {
        /// Watches the stream of this number.
        case viewer(stream: Int, tracks: [ReceivedTrack], feedback: FeedbackStyle)
        case publisher(VideoSettings, video: SentTrack, audio: SentTrack?)
    }

    package var answer: ClientAnswer
    /// Of our offer.
    package var ufrag: String
    package var password: Redacted<String>
    package var role: Role
    /// SRTP profiles that we offer, the preferred one first.
    package var profiles: [ProtectionProfile]
    /// When the join began.
    package var startedAt: MonotonicTime
    /// When the answer was there.
    package var answeredAt: MonotonicTime
    /// When the join has failed if nothing came.
    package var joinBy: MonotonicTime
    /// Makes SSRCs, sequence numbers and transactions.
    package var seed: UInt64

    package init(answer: ClientAnswer, offer: ClientOffer, role: Role, startedAt: MonotonicTime, answeredAt: MonotonicTime) {
        self.answer = answer
        ufrag = offer.ufrag
        password = offer.password
        self.role = role
        profiles = ProtectionProfile.allCases
        self.startedAt = startedAt
        self.answeredAt = answeredAt
        joinBy = answeredAt.advanced(by: .seconds(15))
        seed = 0
    }
}

/// A peer of a loop, for as long as it has not been told to leave.
package struct PeerID: Sendable, Hashable {
    let number: UInt64
}

package import BridgeModel

/// Which encoding of a simulcast track goes to those who can take one only, recorders and viewers behind a child: the best that is sent.
///
/// Publishers switch their larger encodings off and on as their path and their processor allow. A better one has to be there for a while before it is
/// moved to, and the next best is moved to soon after one falls silent; a recording then loses the moment between, and goes on.
package struct BestEncoding: Sendable {
    /// An encoding of which nothing came for so long is switched off: longer than the distance of two frames that are worth watching.
    private static let silence: Duration = .milliseconds(600)
    /// How long a better one has to be sent before it is moved to.
    private static let patience: Duration = .seconds(1)

    private struct Candidate {
        var track: UInt8
        /// Since when it is sent; nil while it is silent.
        var sentSince: MonotonicTime?
    }

    /// The smallest first.
    private var candidates: [Candidate]
    /// The cache's track to be sent.
    package private(set) var current: UInt8
    /// Somebody is sent the current one: it is not left without need.
    private var isInUse = false

    /// `encodings`: the cache's tracks with the same picture, the smallest first; at least one. Begins with the best.
    package init(encodings: [UInt8]) {
        precondition(!encodings.isEmpty, "a track has an encoding")
        candidates = encodings.map { Candidate(track: $0) }
        current = encodings[encodings.count - 1]
    }

    /// Whether there is anything to choose from.
    package var isSimulcast: Bool { candidates.count > 1 }

    /// Chooses anew; `newest` says when the newest packet of a track came, nil before the first. To be called while packets come.
    package mutating func update(now: MonotonicTime, newest: (UInt8) -> MonotonicTime?) {
        isInUse = true
        for index in candidates.indices {
            let last = newest(candidates[index].track).flatMap { now.duration(since: $0) < Self.silence ? $0 : nil }
            candidates[index].sentSince = last.map { candidates[index].sentSince ?? $0 }
        }
        let isCurrentSent = candidates.contains { $0.track == current && $0.sentSince != nil }
        for candidate in candidates.reversed() {
            guard let since = candidate.sentSince else { continue }
            if candidate.track == current { return }
            guard !isCurrentSent || now.duration(since: since) >= Self.patience else { continue }
            current = candidate.track
            return
        }
    }

    /// The same encodings in another order: their pictures' sizes were measured. Ignored when they are not the same. While nobody is sent
    /// anything, the best is the best of this order.
    package mutating func reorder(_ encodings: [UInt8]) {
        let ordered = encodings.compactMap { track in candidates.first { $0.track == track } }
        guard ordered.count == candidates.count else { return }
        candidates = ordered
        if !isInUse, let best = candidates.last { current = best.track }
    }
}

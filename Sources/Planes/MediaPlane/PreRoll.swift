import BridgeModel
import Forwarding

/// How much of a stream is kept for recordings that begin before they are asked for.
struct PreRoll {
    var length: Duration
    /// When the age of the newest keyframes is looked at again.
    var nextLook: MonotonicTime

    /// A recording begins at a keyframe, and many publishers send none unless they are asked: so old may the newest one become. Half the pre-roll,
    /// so that a recording holds little more than it should.
    var keyframeInterval: Duration { min(max(length / 2, .seconds(1)), .seconds(5)) }
}

extension MediaStream {
    /// Keeps so much from now on; zero keeps nothing.
    func keepPreRoll(_ length: Duration, now: MonotonicTime) {
        cache.keepPreRoll(length > .zero ? length : nil)
        memory.preRoll = length > .zero ? PreRoll(length: length, nextLook: now) : nil
    }

    /// Asks for keyframes of the pictures that a recording would begin with, when theirs become old.
    func keepKeyframesComing(ports: inout MediaPorts, now: MonotonicTime) {
        guard let wish = memory.preRoll, now >= wish.nextLook else { return }
        chooseBest(now: now)
        var next = now.advanced(by: wish.keyframeInterval)
        for track in encodings.indices {
            let best = bestEncoding(of: UInt8(clamping: track))
            guard sources.indices.contains(Int(best)), sources[Int(best)].description.kind == .video else { continue }
            let due = cache.newestKeyframe(of: best)?.advanced(by: wish.keyframeInterval)
            if let due, due > now {
                next = min(next, due)
            } else {
                passKeyframeRequest(of: Int(best), ports: &ports, now: now)
            }
        }
        memory.preRoll?.nextLook = next
    }
}

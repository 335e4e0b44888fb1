internal import Matroska

/// Finds in two recorders' rows of one track of sound the pieces that are the same. Pure.
///
/// One piece is no proof: silence is always the same. The rows are laid over each other where most of their pieces agree; the clocks, which put a
/// piece some milliseconds apart on a quiet machine and much more on a busy one, decide only where all pieces are equal.
struct SoundMatch {
    /// Pieces until now, on the result's timeline, in their order.
    let earlier: [MatroskaFrame]
    /// Pieces of the later part, on its own timeline, in their order.
    let later: [MatroskaFrame]
    /// What brings the later part's times onto the result's timeline, as far as is known.
    let offset: Duration
    /// How far a shared piece may be from there.
    let reach: Duration

    /// How far pieces of one moment may be apart, at most.
    private static let largestTolerance: Duration = .milliseconds(200)
    /// The same where the later part has one piece only: less than half of the usual 20 ms.
    private static let usualTolerance: Duration = .milliseconds(9)

    /// Where a piece is that both rows have, an early one; nil when they share none.
    var seam: Seam? { seamByContent ?? seamByTime }

    /// One way of laying the rows over each other.
    private struct Overlay {
        /// Of the first piece that agrees.
        var seam: Seam
        /// That piece's index in the later row.
        var number: Int
        /// Pieces that agree less pieces that do not.
        var score: Int
    }

    private var seamByContent: Seam? {
        let places = Dictionary(grouping: earlier.indices.filter { isDistinct($0, in: earlier) }, by: { earlier[$0].bytes })
        var seen: Set<Int> = []
        var best: Overlay?
        for number in later.indices where isDistinct(number, in: later) {
            for place in places[later[number].bytes] ?? [] {
                let seam = Seam(earlier: earlier[place].time, later: later[number].time)
                guard seam.distance(from: offset) <= reach, seen.insert(place - number).inserted else { continue }
                let overlay = Overlay(seam: seam, number: number, score: score(seam, shift: place - number))
                if isBetter(overlay, than: best) { best = overlay }
            }
        }
        return best.map(withNews)
    }

    /// What only the later part has before the piece that both have is used, too.
    private func withNews(_ overlay: Overlay) -> Seam {
        let known = Set(earlier.map(\.bytes))
        var seam = overlay.seam
        for piece in later[..<overlay.number].reversed() {
            guard !known.contains(piece.bytes) else { break }
            seam.later = piece.time
        }
        return seam
    }

    private func isBetter(_ overlay: Overlay, than best: Overlay?) -> Bool {
        guard let best else { return overlay.score > 0 }
        guard overlay.score == best.score else { return overlay.score > best.score }
        return overlay.seam.distance(from: offset) < best.seam.distance(from: offset)
    }

    /// `shift`: how many pieces until now stand before the later part's first one. Where a row lacks a piece, those behind it stand beside others;
    /// only pieces of one moment contradict each other.
    private func score(_ seam: Seam, shift: Int) -> Int {
        let tolerance = tolerance
        let common = max(0, -shift)..<max(0, -shift, min(later.count, earlier.count - shift))
        return common.reduce(0) { score, number in
            let (one, other) = (earlier[number + shift], later[number])
            guard one.bytes != other.bytes else { return score + 1 }
            let isOfOneMoment = Seam(earlier: one.time, later: other.time).distance(from: seam.offset) < tolerance
            return isOfOneMoment ? score - 1 : score
        }
    }

    /// Where nothing but its time tells a piece from its neighbours, it is the nearer one: half the distance of the later part's first two.
    private var tolerance: Duration {
        guard later.count > 1 else { return Self.usualTolerance }
        return min(Self.largestTolerance, max(Self.usualTolerance, (later[1].time - later[0].time) / 2))
    }

    /// Whether a piece differs from those beside it.
    private func isDistinct(_ index: Int, in row: [MatroskaFrame]) -> Bool {
        [index - 1, index + 1].allSatisfy { !row.indices.contains($0) || row[$0].bytes != row[index].bytes }
    }

    private var seamByTime: Seam? {
        guard let first = later.first else { return nil }
        let tolerance = tolerance
        return earlier.filter { $0.bytes == first.bytes }.map { Seam(earlier: $0.time, later: first.time) }
            .filter { $0.distance(from: offset) <= tolerance }
            .min { $0.distance(from: offset) < $1.distance(from: offset) }
    }
}

package import BridgeModel

/// A stretch of wall-clock time, from its first moment up to but without its last.
package struct PlaybackRange: Sendable, Equatable {
    package let from: WallTime
    package let to: WallTime

    /// Its length.
    package var length: Duration { .nanoseconds(to.nanoseconds - from.nanoseconds) }

    /// A range of `longest` at most. Throws `malformed` for one that is empty, reversed or longer.
    package init(from: WallTime, to: WallTime, longest: Duration) throws(PlaybackError) {
        guard from < to else { throw .malformed(field: "to", rule: "later than from") }
        let (length, isTooLong) = to.nanoseconds.subtractingReportingOverflow(from.nanoseconds)
        guard !isTooLong, .nanoseconds(length) <= longest else {
            throw .malformed(field: "to", rule: "at most \(longest.components.seconds) s after from")
        }
        self.from = from
        self.to = to
    }

    /// Reads two moments as `PlaybackTime` does; one that is absent is `standard`'s. Throws `malformed`.
    package init(
        from: String?, to: String?, standard: (from: WallTime, to: WallTime)?, longest: Duration
    ) throws(PlaybackError) {
        try self.init(
            from: Self.moment(from, "from", standard?.from), to: Self.moment(to, "to", standard?.to), longest: longest)
    }

    private static func moment(_ text: String?, _ field: String, _ standard: WallTime?) throws(PlaybackError) -> WallTime {
        guard let text else {
            guard let standard else { throw .malformed(field: field, rule: "given") }
            return standard
        }
        guard let moment = PlaybackTime.parse(text) else { throw .malformed(field: field, rule: PlaybackTime.rule) }
        return moment
    }
}

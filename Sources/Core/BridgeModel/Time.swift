/// A point on the machine's monotonic clock. Machines get it as a parameter and never read a clock.
package struct MonotonicTime: Hashable, Comparable, Sendable, Codable {
    /// Nanoseconds of CLOCK_MONOTONIC.
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Later by `duration`; never before zero.
    package func advanced(by duration: Duration) -> MonotonicTime {
        let sum = Int64(clamping: nanoseconds).addingReportingOverflow(duration.wholeNanoseconds)
        guard !sum.overflow else { return MonotonicTime(nanoseconds: UInt64(Int64.max)) }
        return MonotonicTime(nanoseconds: UInt64(max(0, sum.partialValue)))
    }

    /// How long from `earlier` to here; negative when `earlier` is later.
    package func duration(since earlier: MonotonicTime) -> Duration {
        .nanoseconds(Int64(clamping: nanoseconds) - Int64(clamping: earlier.nanoseconds))
    }
}

/// A point in wall-clock time, UTC.
package struct WallTime: Hashable, Comparable, Sendable, Codable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// From milliseconds since the epoch.
    package init(milliseconds: Int64) { self.nanoseconds = milliseconds * 1_000_000 }

    /// Whole milliseconds since the epoch, rounded down.
    package var milliseconds: Int64 { nanoseconds.floorDivided(by: 1_000_000) }

    /// Whole seconds since the epoch, rounded down: the unit of `iat`, `exp` and webhook timestamps.
    package var seconds: Int64 { nanoseconds.floorDivided(by: 1_000_000_000) }

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Later by `duration`.
    package func advanced(by duration: Duration) -> WallTime {
        WallTime(nanoseconds: nanoseconds &+ duration.wholeNanoseconds)
    }

    /// ISO 8601 in UTC with milliseconds, for instance `2024-03-01T09:00:01.120Z`.
    package var iso8601: String {
        let days = milliseconds.floorDivided(by: 86_400_000)
        let rest = milliseconds - days * 86_400_000
        let date = CivilDate(daysSinceEpoch: days)
        let time = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { padded($0, to: 2) }.joined(separator: ":")
        return "\(padded(date.year, to: 4))-\(padded(date.month, to: 2))-\(padded(date.day, to: 2))T\(time).\(padded(rest % 1000, to: 3))Z"
    }
}

/// A day of the proleptic Gregorian calendar, UTC.
package struct CivilDate: Equatable, Sendable {
    package var year: Int64
    /// 1...12.
    package var month: Int64
    /// 1...31.
    package var day: Int64

    /// From days since 1970-01-01, by counting 400-year eras that begin on 1 March.
    package init(daysSinceEpoch: Int64) {
        let shifted = daysSinceEpoch + 719_468  // days from 0000-03-01 to 1970-01-01
        let era = shifted.floorDivided(by: 146_097)  // days in 400 years
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}

extension Duration {
    /// The whole length in nanoseconds, clamped to 292 years.
    package var wholeNanoseconds: Int64 {
        let parts = components
        let seconds = parts.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !seconds.overflow else { return parts.seconds < 0 ? .min : .max }
        let sum = seconds.partialValue.addingReportingOverflow(parts.attoseconds / 1_000_000_000)
        return sum.overflow ? (parts.seconds < 0 ? .min : .max) : sum.partialValue
    }

    /// The whole length in milliseconds, rounded toward zero.
    package var wholeMilliseconds: Int64 { wholeNanoseconds / 1_000_000 }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

private func padded(_ value: Int64, to width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
}

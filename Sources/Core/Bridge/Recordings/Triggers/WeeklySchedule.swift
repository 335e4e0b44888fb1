/// Times of the week in which something is recorded, by the clock on the wall of one place.
///
/// The rule is what that clock shows: a window is open while it shows one of the window's times. Where the clock is put forward, times that it
/// never shows open nothing, and a window that they cut begins or ends with the jump; where it is put back, times that it shows twice count twice.
/// Windows may overlap, and may pass midnight.
package struct WeeklySchedule: Sendable, Equatable {
    /// A name of the time zone database, for instance `Europe/Berlin`.
    package var timeZone: String
    /// In no order.
    package var windows: [Window]

    package init(timeZone: String, windows: [Window]) {
        self.timeZone = timeZone
        self.windows = windows
    }

    /// Windows that one schedule may have.
    package static let windowLimit = 64

    /// One time of the day on some days of the week.
    package struct Window: Sendable, Equatable {
        /// As it was written, for instance `mon-fri 08:00-18:00`.
        package let text: String
        /// Seven bits, Monday's the lowest: the days on which it begins.
        let days: UInt8
        /// In seconds of the day; an end that is not behind the beginning lies in the next day.
        let from: Int64
        let to: Int64
    }

    /// Whether the window is open when the clock on the wall shows this; `local`: seconds since 1970-01-01T00:00 on that clock.
    package func isOpen(local: Int64) -> Bool { windows.contains { $0.isOpen(local: local) } }

    /// When to look again: the next moment in which a window may open or close, at most `limit` from now, in seconds.
    package func nextLook(local: Int64, limit: Int64) -> Int64 {
        let second = local.floorModulo(Self.day)
        let waits = windows.flatMap { [$0.from, $0.to] }.map { ($0 - second).floorModulo(Self.day) }.filter { $0 > 0 }
        return min(waits.min() ?? limit, limit)
    }

    static let day: Int64 = 86_400
}

extension WeeklySchedule.Window {
    /// `<days> <time>-<time>`: days are `daily` or a list of `mon` and `mon-fri`, times `hh:mm` or `hh:mm:ss`; the end may be `24:00`, and an end
    /// that is not behind the beginning is on the next day. nil for any other text.
    package init?(_ text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard text.utf8.count <= 64, parts.count == 2, let days = Self.days(parts[0]) else { return nil }
        let times = parts[1].split(separator: "-", omittingEmptySubsequences: false)
        guard times.count == 2, let from = Self.second(times[0]), let to = Self.second(times[1]), from < WeeklySchedule.day, from != to
        else { return nil }
        self.init(text: text, days: days, from: from, to: to)
    }

    private static let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    private static func days(_ text: Substring) -> UInt8? {
        if text == "daily" { return 0b111_1111 }
        var days: UInt8 = 0
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = item.split(separator: "-", omittingEmptySubsequences: false).map { names.firstIndex(of: String($0)) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
            var day = first
            days |= 1 << day
            while day != last {
                day = (day + 1) % names.count
                days |= 1 << day
            }
        }
        return days
    }

    private static func second(_ text: Substring) -> Int64? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(fields.count),
            fields.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
        else { return nil }
        let numbers = fields.compactMap { Int64($0) }
        guard numbers.count == fields.count, numbers.dropFirst().allSatisfy({ $0 < 60 }) else { return nil }
        let second = numbers[0] * 3600 + numbers[1] * 60 + (numbers.count == 3 ? numbers[2] : 0)
        return second <= WeeklySchedule.day ? second : nil
    }

    func isOpen(local: Int64) -> Bool {
        let second = local.floorModulo(WeeklySchedule.day)
        // 1970-01-01 was a Thursday.
        let weekday = (local.floorDivision(WeeklySchedule.day) + 3).floorModulo(7)
        let (begins, began) = (days >> weekday & 1 == 1, days >> (weekday + 6).floorModulo(7) & 1 == 1)
        guard to <= from else { return begins && (from..<to).contains(second) }
        return begins && second >= from || began && second < to
    }
}

extension Int64 {
    fileprivate func floorModulo(_ divisor: Int64) -> Int64 {
        let rest = self % divisor
        return rest < 0 ? rest + divisor : rest
    }

    fileprivate func floorDivision(_ divisor: Int64) -> Int64 { (self - floorModulo(divisor)) / divisor }
}

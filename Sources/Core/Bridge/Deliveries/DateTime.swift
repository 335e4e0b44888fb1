package import BridgeModel

extension WallTime {
    /// Reads `2031-05-01T00:00:00Z`, with or without a fraction of the second, as ISO 8601 in UTC; nil for anything else and for days that there
    /// are not.
    package init?(dateTime text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[10] == UInt8(ascii: "T") else { return nil }
        let whole = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
        let halves = whole[0].split(separator: "T", omittingEmptySubsequences: false)
        guard whole.count <= 2, halves.count == 2 else { return nil }
        let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        let time = halves[1].split(separator: ":", omittingEmptySubsequences: false)
        guard date.count == 3, time.count == 3, let year = RetryAfter.number(date[0], digits: 4, 1970...2261),
            let month = RetryAfter.number(date[1], digits: 2, 1...12), let day = RetryAfter.number(date[2], digits: 2, 1...31),
            let hour = RetryAfter.number(time[0], digits: 2, 0...23), let minute = RetryAfter.number(time[1], digits: 2, 0...59),
            let second = RetryAfter.number(time[2], digits: 2, 0...59)
        else { return nil }
        let days = RetryAfter.days(year, month, day)
        guard CivilDate(daysSinceEpoch: days).day == day, let nanoseconds = Self.nanoseconds(ofFraction: whole.count == 2 ? whole[1] : "0")
        else { return nil }
        self.init(nanoseconds: (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000_000 + nanoseconds)
    }

    private static func nanoseconds(ofFraction digits: Substring) -> Int64? {
        guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(digits + String(repeating: "0", count: 9 - digits.utf8.count))
    }
}

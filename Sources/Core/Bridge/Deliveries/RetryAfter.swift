package import BridgeModel

/// The `Retry-After` header (RFC 9110 section 10.2.3).
package enum RetryAfter {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// How long to wait from `now`: whole seconds, or the time until an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`, which may be negative.
    /// nil when the text is neither.
    package static func parse(_ text: String, now: WallTime) -> Duration? {
        if (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return Int64(text).map(Duration.seconds)
        }
        return seconds(ofDate: text).map { .seconds($0 - now.seconds) }
    }

    /// Seconds since the epoch of an IMF-fixdate (RFC 9110 section 5.6.7).
    private static func seconds(ofDate text: String) -> Int64? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].count == 4, parts[0].last == ",", parts[5] == "GMT" else { return nil }
        guard let day = number(parts[1], digits: 2, 1...31), let month = months.firstIndex(of: String(parts[2])),
            let year = number(parts[3], digits: 4, 1970...9999)
        else { return nil }
        let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, let hour = number(clock[0], digits: 2, 0...23), let minute = number(clock[1], digits: 2, 0...59),
            let second = number(clock[2], digits: 2, 0...60)
        else { return nil }
        return ((days(year, Int64(month) + 1, day) * 24 + hour) * 60 + minute) * 60 + second
    }

    static func number(_ text: Substring, digits: Int, _ range: ClosedRange<Int64>) -> Int64? {
        guard text.utf8.count == digits, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int64(text) else { return nil }
        return range.contains(value) ? value : nil
    }

    /// Days from 1970-01-01, counting years from 1 March: the reverse of `CivilDate`.
    static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}

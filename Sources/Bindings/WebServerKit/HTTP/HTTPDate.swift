import Glibc
import Synchronization

/// Dates as HTTP writes them (RFC 9110, 5.6.7), in seconds since 1970.
enum HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    /// The date line is asked for with every response, but changes once a second.
    private static let latest = Mutex<(second: Int, text: String)>((-1, ""))

    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func text(of seconds: Int) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        let clock = "\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))"
        return "\(days[Int(parts.tm_wday)]), \(pad(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(Int(parts.tm_year) + 1900) \(clock) GMT"
    }

    /// The date of now.
    static func now() -> String {
        let second = Int(time(nil))
        return latest.withLock { latest in
            if latest.second != second { latest = (second, text(of: second)) }
            return latest.text
        }
    }

    /// The seconds that an IMF-fixdate names; nil for other forms, which a recipient of a condition may ignore.
    static func seconds(of text: String) -> Int? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[0].count == 4, words[5] == "GMT", let day = words[1].utf8.decimalValue() else { return nil }
        guard let month = months.firstIndex(of: String(words[2])), let year = words[3].utf8.decimalValue(), year < 10_000 else {
            return nil
        }
        let clock = words[4].split(separator: ":").compactMap { $0.utf8.decimalValue() }
        guard clock.count == 3, clock[0] < 24, clock[1] < 60, clock[2] <= 60, (1...31).contains(day) else { return nil }
        var parts = tm()
        parts.tm_year = Int32(year - 1900)
        parts.tm_mon = Int32(month)
        parts.tm_mday = Int32(day)
        parts.tm_hour = Int32(clock[0])
        parts.tm_min = Int32(clock[1])
        parts.tm_sec = Int32(clock[2])
        return Int(timegm(&parts))
    }

    private static func pad(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
}

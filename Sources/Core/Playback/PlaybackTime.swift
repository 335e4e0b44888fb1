package import BridgeModel

/// Moments as callers write them: RFC 3339 (`2026-03-01T09:00:01.120Z`, any offset) or milliseconds since 1970.
package enum PlaybackTime {
    /// The end of the year 2199, milliseconds: `WallTime` reaches to 2262, and a moment must leave room to be reckoned with.
    private static let latest: Int64 = 7_258_118_399_999
    private static let longestText = 40

    /// What a moment must be, for whoever wrote another thing.
    package static let rule = "a date as in RFC 3339, for instance 2026-03-01T09:00:00Z, or milliseconds since 1970"

    /// A moment that may be absent; `field` is what it is called where it stands.
    package static func read(_ text: String?, _ field: String) throws(FieldFault) -> WallTime? {
        guard let text else { return nil }
        guard let moment = parse(text) else { throw FieldFault(field, rule) }
        return moment
    }

    /// The moment that `text` names; nil when it is none.
    package static func parse(_ text: String) -> WallTime? {
        guard (1...longestText).contains(text.utf8.count) else { return nil }
        var reader = DigitReader(text.utf8)
        if let milliseconds = reader.number(upTo: 15), reader.isAtEnd { return moment(milliseconds) }
        return date(text)
    }

    private static func moment(_ milliseconds: Int64) -> WallTime? {
        (0...latest).contains(milliseconds) ? WallTime(milliseconds: milliseconds) : nil
    }

    /// RFC 3339 section 5.6; a leap second counts as the second before it.
    private static func date(_ text: String) -> WallTime? {
        var reader = DigitReader(text.utf8)
        guard let year = reader.digits(4), reader.skip("-"), let month = reader.digits(2), reader.skip("-"), let day = reader.digits(2),
            reader.skip("T") || reader.skip("t") || reader.skip(" "), let hour = reader.digits(2), reader.skip(":"),
            let minute = reader.digits(2), reader.skip(":"), let second = reader.digits(2)
        else { return nil }
        guard (1...12).contains(month), (1...days(in: month, of: year)).contains(day), hour < 24, minute < 60, second <= 60 else {
            return nil
        }
        var fraction: Int64 = 0
        if reader.skip(".") {
            guard let value = reader.fraction() else { return nil }
            fraction = value
        }
        guard let offset = reader.offsetMinutes(), reader.isAtEnd else { return nil }
        let minutes = (dayNumber(year, month, day) * 24 + hour) * 60 + minute - offset
        return moment((minutes * 60 + min(59, second)) * 1000 + fraction)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin on 1 March.
    private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// Reads ASCII digits one after another.
private struct DigitReader {
    private var rest: ArraySlice<UInt8>

    init(_ text: String.UTF8View) { rest = Array(text)[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard let byte = rest.first, UInt32(byte) == character.value else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func digit() -> Int64? {
        guard let byte = rest.first, (0x30...0x39).contains(byte) else { return nil }
        rest.removeFirst()
        return Int64(byte - 0x30)
    }

    /// Exactly so many digits.
    mutating func digits(_ count: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// One digit or more; nil for none and for more than `limit`, which is at most 18.
    mutating func number(upTo limit: Int) -> Int64? {
        var (value, count): (Int64, Int) = (0, 0)
        while let digit = digit() {
            count += 1
            guard count <= limit else { return nil }
            value = value * 10 + digit
        }
        return count == 0 ? nil : value
    }

    /// Digits behind the point, as milliseconds, rounded down.
    mutating func fraction() -> Int64? {
        var (value, weight): (Int64, Int64) = (0, 100)
        var count = 0
        while let digit = digit() {
            value += digit * weight
            weight /= 10
            count += 1
        }
        return count == 0 ? nil : value
    }

    /// `Z` or an offset from UTC.
    mutating func offsetMinutes() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let isEast = skip("+")
        guard isEast || skip("-"), let hours = digits(2), skip(":"), let minutes = digits(2), hours < 24, minutes < 60 else { return nil }
        return (hours * 60 + minutes) * (isEast ? 1 : -1)
    }
}

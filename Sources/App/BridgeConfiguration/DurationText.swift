import BridgeModel

/// Durations as people write them: whole numbers with a unit, largest first: `500ms`, `10s`, `1h30m`, `14d`.
package enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// nil for anything else: no unit, a fraction, a sign, units out of order, or more than fits.
    package static func parse(_ text: String) -> Duration? {
        var rest = Substring(text)
        var remainingUnits = units[...]
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let name = rest[digits.endIndex...].prefix { $0.isLetter }
            guard let count = Int64(digits), let index = remainingUnits.firstIndex(where: { $0.name == name }) else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: units[index].milliseconds)
            let sum = total.addingReportingOverflow(product)
            guard !overflow, !sum.overflow else { return nil }
            total = sum.partialValue
            remainingUnits = units[(index + 1)...]
            rest = rest[name.endIndex...]
        }
        return text.isEmpty ? nil : .milliseconds(total)
    }

    /// In the largest unit of which it is a whole number: 90s, not 1m30s. Less than a millisecond is cut off.
    package static func print(_ duration: Duration) -> String {
        let total = duration.wholeMilliseconds
        guard total > 0 else { return "0s" }
        for unit in units where total % unit.milliseconds == 0 { return "\(total / unit.milliseconds)\(unit.name)" }
        return "\(total)ms"
    }
}

/// Byte counts with binary units: `512B`, `16KiB`, `1GiB`.
package enum ByteCountText {
    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// nil for anything else: no unit, a decimal unit (`KB` means two things), a fraction, a sign, or more than fits.
    package static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int(digits), let unit = units.first(where: { $0.name == text[digits.endIndex...] }) else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : product
    }

    /// In the largest unit of which it is a whole number.
    package static func print(_ bytes: Int) -> String {
        for unit in units where bytes > 0 && bytes % unit.bytes == 0 { return "\(bytes / unit.bytes)\(unit.name)" }
        return "\(bytes)B"
    }
}

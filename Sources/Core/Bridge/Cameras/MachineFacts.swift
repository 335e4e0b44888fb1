/// What Linux tells of a machine in its text files; each reader takes a file's whole text and gives nil for one that is not of its form.
package enum MachineFacts {
    /// Processor time since the machine started, in ticks, of all processors together (proc(5), /proc/stat).
    package struct ProcessorTime: Sendable, Equatable {
        package var busy: UInt64
        package var total: UInt64

        package init(busy: UInt64, total: UInt64) {
            self.busy = busy
            self.total = total
        }

        /// What part of the time was not idle since `earlier`, 0...1; nil when no time has passed.
        package func load(since earlier: ProcessorTime) -> Double? {
            guard total > earlier.total, busy >= earlier.busy else { return nil }
            return min(1, Double(busy - earlier.busy) / Double(total - earlier.total))
        }
    }

    /// Of /proc/stat.
    package static func processorTime(_ text: String) -> ProcessorTime? {
        guard let line = text.split(whereSeparator: \.isNewline).first, line.hasPrefix("cpu ") else { return nil }
        let ticks = line.split(separator: " ").dropFirst().map { UInt64($0) ?? 0 }
        guard ticks.count >= 5 else { return nil }
        // user nice system idle iowait irq softirq steal; what guests used is in user already.
        let total = ticks.prefix(8).reduce(UInt64(0)) { $0.addingReportingOverflow($1).partialValue }
        let (idle, isWrong) = ticks[3].addingReportingOverflow(ticks[4])
        guard !isWrong, total >= idle else { return nil }
        return ProcessorTime(busy: total - idle, total: total)
    }

    /// Part of the memory that is not available, 0...1, of /proc/meminfo.
    package static func memoryUsed(_ text: String) -> Double? {
        var values: [Substring: UInt64] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let number = line[line.index(after: colon)...].split(separator: " ").first.flatMap { UInt64($0) }
            if let number { values[line[..<colon]] = number }
        }
        guard let total = values["MemTotal"], let free = values["MemAvailable"], total > 0, free <= total else { return nil }
        return Double(total - free) / Double(total)
    }

    /// Seconds since the machine started, of /proc/uptime.
    package static func uptime(_ text: String) -> Double? {
        guard let seconds = text.split(separator: " ").first.flatMap({ Double($0) }), seconds.isFinite, seconds >= 0 else { return nil }
        return seconds
    }

    /// Degrees Celsius, of the `temp` of a zone in /sys/class/thermal.
    package static func temperature(_ text: String) -> Double? {
        let digits = text.split(whereSeparator: \.isWhitespace).first
        // Sensors that are not there read as nonsense.
        guard let millidegrees = digits.flatMap({ Int($0) }), (-60_000...200_000).contains(millidegrees) else { return nil }
        return Double(millidegrees) / 1000
    }
}

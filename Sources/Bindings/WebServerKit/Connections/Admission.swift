/// Who may come in: counts connections by address and in all.
struct Admission {
    enum Verdict {
        case admit
        /// Answer 503.
        case refuse
        /// Close without an answer, because there are too many even for that.
        case drop
    }

    private let limits: WebServerLimits
    private var countByAddress: [String: Int] = [:]

    init(limits: WebServerLimits) { self.limits = limits }

    /// Refusals are connections too, for a moment; as many of them as of admitted ones get their answer.
    func verdict(on address: String, open: Int) -> Verdict {
        let fromAddress = countByAddress[address] ?? 0
        if open < limits.connections, fromAddress < limits.connectionsPerAddress { return .admit }
        return open < limits.connections * 2 && fromAddress < limits.connectionsPerAddress * 2 ? .refuse : .drop
    }

    mutating func enter(_ address: String) { countByAddress[address, default: 0] += 1 }

    mutating func leave(_ address: String) {
        guard let count = countByAddress[address] else { return }
        countByAddress[address] = count > 1 ? count - 1 : nil
    }
}

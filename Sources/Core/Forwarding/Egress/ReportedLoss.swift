internal import RTP

/// What a viewer's reports say of its own path. Numbers that were never sent, since the packets were lost before they came to us, are counted as lost by
/// the viewer (RFC 3550 section 6.4.1), and are not lost on its path.
struct ReportedLoss: Sendable {
    /// Numbers that were passed over, beyond what any report can still be about.
    private static let most = 1 << 15

    /// Of the newest packet that was sent.
    private var newest: UInt16?
    private var reportedHighest: UInt32?
    /// Numbers that were passed over, and that no report has counted as lost so far.
    private var missing = 0

    /// A packet of this number is sent, for the first time.
    mutating func sent(_ sequence: UInt16) {
        guard let newest else { return self.newest = sequence }
        let distance = Int(Int16(bitPattern: sequence &- newest))
        if distance > 0 {
            missing = min(Self.most, missing + distance - 1)
            self.newest = sequence
        } else if distance < 0 {
            missing = max(0, missing - 1)
        }
    }

    /// How many packets a report block is about, from its highest sequence number and the former block's, and how many of them the path has lost.
    mutating func take(_ block: ReportBlock) -> (packets: Int, lost: Int) {
        defer { reportedHighest = block.extendedHighestSequence }
        guard let before = reportedHighest else { return (0, 0) }
        let numbers = block.extendedHighestSequence &- before
        guard numbers < 1 << 16 else { return (0, 0) }
        let lost = Int(block.fractionLost) * Int(numbers) / 256
        let neverSent = min(missing, lost)
        missing -= neverSent
        return (Int(numbers) - neverSent, lost - neverSent)
    }
}

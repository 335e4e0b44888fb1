package import BridgeModel

extension GrowingList<HLSSegment> {
    /// Bits a second of the segment with the most, and on average over all of them; zeros without segments.
    package var bitrates: (peak: Int64, average: Int64) {
        let rate = { (bytes: UInt64, length: Duration) in
            Int64(clamping: bytes).multipliedReportingOverflow(by: 8000).partialValue / Swift.max(1, length.wholeMilliseconds)
        }
        let total = reduce(into: (bytes: UInt64(0), length: Duration.zero)) { sum, segment in
            sum.bytes &+= segment.bytes
            sum.length += segment.duration
        }
        return (map { rate($0.bytes, $0.duration) }.max() ?? 0, rate(total.bytes, total.length))
    }
}

import RTP

/// Transport-wide feedback behind a fixed header: what is read can be written, and reads back the same.
func fuzzTransportFeedback(_ bytes: UnsafeRawBufferPointer) {
    // Version, format and type; the length is that of the input in words.
    let size = bytes.count & ~3
    guard size >= 8, size <= 4096 else { return }
    var packet = [0x8F, 205, UInt8((size / 4) >> 8), UInt8((size / 4) & 0xFF)] + bytes[..<size]
    packet.withUnsafeMutableBytes { buffer in
        guard let (base, arrivals) = read(UnsafeRawBufferPointer(buffer)), arrivals.contains(where: { $0 != notReceived }) else { return }
        var output = [UInt8](repeating: 0, count: 200_000)
        output.withUnsafeMutableBytes { room in
            var writer = RTCPWriter(room)
            let header = TransportFeedbackEncoder.Header(sender: 1, media: 2, baseSequence: base, feedbackCount: 3)
            let count = arrivals.withUnsafeBufferPointer { writer.appendTransportFeedback(header, arrivals: $0) }
            // Arrivals that lie far apart take several packets.
            guard count > 0 else { return }
            guard let (sameBase, same) = read(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<writer.count])) else {
                preconditionFailure("what was written can be read")
            }
            precondition(sameBase == base && same.elementsEqual(arrivals.prefix(count)))
        }
    }
}

private let notReceived = TransportFeedbackEncoder.notReceived

private func read(_ bytes: UnsafeRawBufferPointer) -> (base: UInt16, arrivals: [Int64])? {
    for packet in RTCPCompound(bytes) {
        guard let feedback = TransportFeedback(packet) else { continue }
        let reference = Int64(feedback.referenceTime) * TransportFeedback.ticksPerReference
        let arrivals = feedback.statuses.map { status in status.arrivalTicks.map { $0 + reference } ?? notReceived }
        precondition(arrivals.count == Int(feedback.statusCount))
        return (feedback.baseSequence, arrivals)
    }
    return nil
}

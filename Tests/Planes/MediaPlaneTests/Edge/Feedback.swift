import RTP

/// RTCP of a viewer.
enum Feedback {
    static func nack(_ sequence: UInt16, of ssrc: UInt32) -> [UInt8] {
        compound { _ = $0.appendNack(sender: 9, media: ssrc, lost: sequence) }
    }

    static func pictureLoss(of ssrc: UInt32) -> [UInt8] { compound { _ = $0.appendPictureLossIndication(sender: 9, media: ssrc) } }

    /// A receiver report and what `body` adds.
    private static func compound(_ body: (inout RTCPWriter) -> Void) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes { buffer in
            var writer = RTCPWriter(buffer)
            _ = writer.appendReceiverReport(sender: 9)
            body(&writer)
            return writer.count
        }
        return Array(bytes[..<count])
    }
}

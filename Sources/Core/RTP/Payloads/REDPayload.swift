/// Payloads of the redundant format (RFC 2198), which wrap another format's.
package enum REDPayload {
    /// The payload type and the bytes of the primary block: the last one, which the others repeat. Nil when the block headers do not fit.
    package static func primary(of payload: UnsafeRawBufferPointer) -> (payloadType: UInt8, bytes: UnsafeRawBufferPointer)? {
        var header = 0
        var redundantBytes = 0
        // F: another block header follows this one, which is four bytes long (section 3); the last one has a single byte.
        while header < payload.count, payload[header] & 0x80 != 0 {
            guard header + 4 <= payload.count else { return nil }
            redundantBytes += Int(payload.uint16(at: header + 2) & 0x03FF)
            header += 4
        }
        guard header < payload.count, header + 1 + redundantBytes <= payload.count else { return nil }
        return (payload[header] & 0x7F, UnsafeRawBufferPointer(rebasing: payload[(header + 1 + redundantBytes)...]))
    }
}

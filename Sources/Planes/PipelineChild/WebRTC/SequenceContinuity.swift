/// Keeps a sender's sequence numbers moving forward, whatever its source does.
///
/// SRTP refuses a packet that lies far behind the newest (RFC 3711 section 3.3.2), and webrtcbin ends the whole connection over it: so a
/// source that begins anew is moved on to continue where the last one was.
struct SequenceContinuity: Sendable {
    /// Reordering that is left alone; half of libsrtp's replay window.
    private static let window: Int16 = 64

    private var newest: UInt16?
    private var offset: UInt16 = 0

    /// The number to send a packet of the source's number with.
    mutating func next(_ sequence: UInt16) -> UInt16 {
        guard let newest else {
            self.newest = sequence
            return sequence
        }
        let distance = Int16(bitPattern: sequence &+ offset &- newest)
        if distance < -Self.window { offset = newest &+ 1 &- sequence }
        let result = sequence &+ offset
        if Int16(bitPattern: result &- newest) > 0 { self.newest = result }
        return result
    }
}

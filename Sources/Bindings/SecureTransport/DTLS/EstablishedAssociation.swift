/// What is left of a DTLS association when its handshake is finished: some hundred octets in place of OpenSSL's connection.
///
/// WebRTC's media does not go through DTLS. What can still come is the client's last flight once more, because it did not get ours, and alerts; what
/// can still be sent is the answer to that, and close_notify. Application data (data channels) is ignored.
final class EstablishedAssociation {
    private enum HandshakeType {
        static let finished: UInt8 = 20
    }

    private enum AlertLevel {
        static let warning: UInt8 = 1
        static let fatal: UInt8 = 2
    }

    private static let closeNotify: UInt8 = 0

    private let role: DTLSRole
    private let protection: RecordProtection
    private var numbers: RecordNumbers
    /// Our Finished message when it was the handshake's last, so that nobody else's timer sends it again; else empty.
    private let finished: [UInt8]
    /// The lowest number that an authentic record may have: none is heeded twice.
    private var nextSequence: UInt64 = 0

    init(role: DTLSRole, protection: RecordProtection, numbers: RecordNumbers, lastFlight: OutgoingFlight) {
        self.role = role
        self.protection = protection
        self.numbers = numbers
        finished = role == .server ? Self.finishedMessage(in: lastFlight, protection) : []
    }

    /// Answers one record of the peer. Whatever is not authentic is ignored.
    func receive(_ record: DTLSRecord, send: (UnsafeRawBufferPointer) -> Void) -> DTLSEvent? {
        guard record.epoch == 1, record.type == .alert || record.type == .handshake, record.sequence >= nextSequence,
            let content = protection.open(record, sender: role.opposite)
        else { return nil }
        nextSequence = record.sequence + 1
        if record.type == .alert { return Self.event(of: content) }
        if content.first == HandshakeType.finished { repeatLastFlight(send) }
        return nil
    }

    /// Says goodbye (RFC 5246 section 7.2.1).
    func sendCloseNotify(_ send: (UnsafeRawBufferPointer) -> Void) {
        let alert = try? protection.seal([AlertLevel.warning, Self.closeNotify], type: .alert, sequence: numbers.takeEncrypted())
        // Sealing fails when memory is short only; the peer then finds out by its consent checks.
        alert?.withUnsafeBytes(send)
    }

    /// ChangeCipherSpec and Finished under new numbers, as one datagram (RFC 6347 section 4.2.4).
    private func repeatLastFlight(_ send: (UnsafeRawBufferPointer) -> Void) {
        guard !finished.isEmpty, let sealed = try? protection.seal(finished, type: .handshake, sequence: numbers.takeEncrypted()) else {
            return
        }
        let number = numbers.takePlaintext()
        var datagram: [UInt8] = [DTLSRecord.ContentType.changeCipherSpec.rawValue, 0xFE, 0xFD, 0, 0]
        datagram += stride(from: UInt64(40), through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
        datagram += [0, 1, 1]
        datagram += sealed
        datagram.withUnsafeBytes(send)
    }

    /// nil for what changes nothing.
    private static func event(of alert: [UInt8]) -> DTLSEvent? {
        guard alert.count == 2 else { return nil }
        if alert[1] == closeNotify { return .closedByPeer }
        return alert[0] == AlertLevel.fatal ? .failed(.alertReceived(alert[1])) : nil
    }

    private static func finishedMessage(in flight: OutgoingFlight, _ protection: RecordProtection) -> [UInt8] {
        var message: [UInt8] = []
        flight.forEachDatagram { datagram in
            var records = DTLSRecordIterator(datagram)
            while let record = records.next() {
                guard record.epoch == 1, let content = protection.open(record, sender: protection.role) else { continue }
                message = content
            }
        }
        return message
    }
}

/// The sequence numbers that our next records take, by epoch.
///
/// OpenSSL numbers its records itself, but a flight that we repeat takes numbers of its own (RFC 6347 section 4.2.2), so the numbers of whatever
/// OpenSSL writes are settled here.
struct RecordNumbers {
    private var plaintext: UInt64 = 0
    private var encrypted: UInt64 = 0

    mutating func takePlaintext() -> UInt64 {
        defer { plaintext &+= 1 }
        return plaintext
    }

    mutating func takeEncrypted() -> UInt64 {
        defer { encrypted &+= 1 }
        return encrypted
    }
}

/// The datagrams of our last handshake flight, kept to be sent again.
struct OutgoingFlight {
    private var octets: [UInt8] = []
    /// Where each datagram ends.
    private var ends: [Int] = []

    var isEmpty: Bool { ends.isEmpty }

    mutating func append(_ datagram: UnsafeRawBufferPointer) {
        octets.append(contentsOf: datagram)
        ends.append(octets.count)
    }

    mutating func removeAll() {
        octets.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    func forEachDatagram(_ body: (UnsafeRawBufferPointer) -> Void) {
        octets.withUnsafeBytes { octets in
            var start = 0
            for end in ends {
                body(UnsafeRawBufferPointer(rebasing: octets[start..<end]))
                start = end
            }
        }
    }

    /// Gives all records the next numbers. Encrypted records, whose number is part of what is authenticated, are sealed anew.
    ///
    /// - Parameter protection: asked for when an encrypted record needs another number. If there is none, the record keeps its number, and the
    ///   peer drops it if it saw that number before.
    mutating func renumber(with numbers: inout RecordNumbers, protection: () -> RecordProtection?) {
        for record in recordRanges() {
            let isPlaintext = octets.withUnsafeBytes { $0.bigEndian16(at: record.lowerBound + DTLSRecord.epochOffset) } == 0
            if isPlaintext {
                let number = numbers.takePlaintext()
                octets.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[record]).setRecordSequence(number) }
            } else {
                reseal(record, sequence: numbers.takeEncrypted(), protection: protection)
            }
        }
    }

    /// OpenSSL writes whole records and nothing else.
    private func recordRanges() -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        forEachDatagram { datagram in
            var records = DTLSRecordIterator(datagram)
            while let record = records.next() {
                let start = ranges.last?.upperBound ?? 0
                ranges.append(start..<start + record.octets.count)
            }
        }
        return ranges
    }

    private mutating func reseal(_ range: Range<Int>, sequence: UInt64, protection: () -> RecordProtection?) {
        let sealed = octets.withUnsafeBytes { octets -> [UInt8]? in
            var records = DTLSRecordIterator(UnsafeRawBufferPointer(rebasing: octets[range]))
            guard let record = records.next(), record.sequence != sequence else { return nil }
            return protection()?.reseal(record, sequence: sequence)
        }
        guard let sealed, sealed.count == range.count else { return }
        octets.replaceSubrange(range, with: sealed)
    }
}

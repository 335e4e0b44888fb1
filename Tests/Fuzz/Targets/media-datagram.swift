import Bridge

/// A datagram's header; one that was read is written back as it was.
func fuzzMediaDatagram(_ bytes: UnsafeRawBufferPointer) {
    guard let datagram = MediaDatagram(reading: bytes) else { return }
    var written = [UInt8](repeating: 0, count: MediaDatagram.headerSize)
    written.withUnsafeMutableBytes { datagram.write(to: $0) }
    precondition(bytes.prefix(MediaDatagram.headerSize).elementsEqual(written))
}

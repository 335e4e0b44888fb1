import Bridge

/// A datagram's header; one that was read is written back as it was.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafeRawPointer?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    guard let datagram = MediaDatagram(reading: bytes) else { return 0 }
    var written = [UInt8](repeating: 0, count: MediaDatagram.headerSize)
    written.withUnsafeMutableBytes { datagram.write(to: $0) }
    precondition(bytes.prefix(MediaDatagram.headerSize).elementsEqual(written))
    return 0
}

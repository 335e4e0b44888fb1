// Big-endian reads and writes at an offset whose bounds the caller has checked.
extension UnsafeRawBufferPointer {
    func uint16(at offset: Int) -> UInt16 { UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
}

extension UnsafeMutableRawBufferPointer {
    func store(_ value: UInt16, at offset: Int) { storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self) }

    /// Copies `bytes` to `offset`; the caller has made room.
    func copy(_ bytes: some Collection<UInt8>, to offset: Int) {
        var place = offset
        for byte in bytes {
            self[place] = byte
            place += 1
        }
    }
}

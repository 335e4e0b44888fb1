internal import Crypto
internal import Foundation

/// The hashes of a file's bytes that S3 asks for.
struct FileDigest: Sendable, Equatable {
    private static let pieceLength = 1 << 20

    /// Lower-case hexadecimal.
    var sha256: String
    /// 16 bytes.
    var md5: [UInt8]

    /// Lower-case hexadecimal.
    var md5Text: String { Self.hexadecimal(md5) }
    /// As `Content-MD5` has it.
    var md5Base64: String { Data(md5).base64EncodedString() }

    /// Of bytes in memory.
    init(of bytes: [UInt8]) {
        sha256 = Self.hexadecimal(SHA256.hash(data: bytes))
        md5 = Array(Insecure.MD5.hash(data: bytes))
    }

    /// Of bytes of a file; blocks. Throws when they cannot be read or nobody wants them any more.
    init(of range: Range<Int64>, in file: SpoolFile, _ flag: CancellationFlag) throws {
        var (sha256, md5) = (SHA256(), Insecure.MD5())
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceLength, alignment: 16)
        defer { buffer.deallocate() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            try flag.check()
            let length = Int(min(Int64(Self.pieceLength), range.upperBound - offset))
            let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(length)), at: offset)
            guard count > 0 else { throw FileBody.CutShort() }
            let piece = UnsafeRawBufferPointer(rebasing: buffer.prefix(count))
            sha256.update(bufferPointer: piece)
            md5.update(bufferPointer: piece)
            offset += Int64(count)
        }
        self.sha256 = Self.hexadecimal(sha256.finalize())
        self.md5 = Array(md5.finalize())
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
    }

    /// The entity tag of an object of parts with these MD5s, each in hexadecimal; nil when one is none.
    static func entityTag(ofParts md5s: [String]) -> String? {
        var all = Insecure.MD5()
        for text in md5s {
            let digits = Array(text.utf8)
            guard digits.count == 32 else { return nil }
            for index in stride(from: 0, to: 32, by: 2) {
                guard let byte = UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) else { return nil }
                all.update(data: [byte])
            }
        }
        return "\(hexadecimal(all.finalize()))-\(md5s.count)"
    }
}

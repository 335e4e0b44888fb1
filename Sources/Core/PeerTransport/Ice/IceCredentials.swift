package import BridgeModel

/// A username fragment of ours: eight ICE characters (RFC 8839 section 5.4), held as their ASCII bytes.
///
/// Two characters are the number of the media worker whose peer it names, so that any worker that a check reaches can tell whose it is. The other
/// six are random: 36 bits, 24 are asked for (RFC 8445 section 5.3).
package struct LocalUfrag: Hashable, Sendable {
    /// The characters, the first in the highest byte.
    package let bits: UInt64

    /// Characters of a fragment of ours.
    package static let length = 8
    /// Workers that a fragment can tell apart.
    package static let workerLimit = 4096

    /// A new fragment for a peer of `worker`. A number outside of `0..<workerLimit` is a bug of ours.
    package init(worker: Int, using random: inout some RandomNumberGenerator) {
        precondition((0..<Self.workerLimit).contains(worker), "no such worker")
        let value = UInt64(worker) << 36 | random.next() & 0xF_FFFF_FFFF
        bits = stride(from: 42, through: 0, by: -6).reduce(UInt64(0)) { $0 << 8 | UInt64(IceText.character(Int(value >> UInt64($1) & 63))) }
    }

    /// The part of a STUN USERNAME before its colon (RFC 8445 section 7.2.2: the answerer's fragment comes first). nil when it is none of ours.
    /// The part behind the colon is not compared, as section 7.3 asks for the first alone.
    package init?(username: UnsafeRawBufferPointer) {
        guard username.count > Self.length, username[Self.length] == UInt8(ascii: ":") else { return nil }
        self.init(bytes: UnsafeRawBufferPointer(rebasing: username[..<Self.length]))
    }

    /// Eight ICE characters; nil for anything else.
    package init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.length else { return nil }
        for byte in bytes where IceText.value(byte) == nil { return nil }
        bits = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
    }

    /// The worker whose peer this names.
    package var worker: Int {
        let first = IceText.value(UInt8(truncatingIfNeeded: bits >> 56)) ?? 0
        let second = IceText.value(UInt8(truncatingIfNeeded: bits >> 48)) ?? 0
        return Int(first) << 6 | Int(second)
    }

    /// For `a=ice-ufrag`.
    package var text: String { IceText.string([bits]) }
}

/// What a peer proves itself with towards us: `a=ice-ufrag` and `a=ice-pwd` of our answer. Its description hides the password.
package struct IceCredentials: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    package let ufrag: LocalUfrag
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64

    /// Characters of a password: 144 bits, 128 are asked for (RFC 8445 section 5.3).
    package static let passwordLength = 24

    /// New credentials for a peer of `worker`. `random` has to be fit for secrets.
    package init(worker: Int, using random: inout some RandomNumberGenerator) {
        ufrag = LocalUfrag(worker: worker, using: &random)
        first = IceText.randomCharacters(using: &random)
        second = IceText.randomCharacters(using: &random)
        third = IceText.randomCharacters(using: &random)
    }

    /// Lends the password's bytes: the key of MESSAGE-INTEGRITY (RFC 8445 section 7.2.2, short-term credentials; it is ASCII, so SASLprep changes
    /// nothing). Nothing is allocated.
    package func withPassword<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: (first.bigEndian, second.bigEndian, third.bigEndian), body)
    }

    /// For `a=ice-pwd`.
    package var password: Redacted<String> { Redacted(IceText.string([first, second, third])) }

    package var description: String { "IceCredentials(\(ufrag.text))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The 64 characters of ICE text (RFC 8839 section 5.1, `ice-char`).
enum IceText {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// The character of `value`, 0...63.
    static func character(_ value: Int) -> UInt8 { alphabet.utf8Start[value & 63] }

    /// 0...63; nil when `character` is no ICE character.
    static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// Eight characters of 48 random bits, the first in the highest byte.
    static func randomCharacters(using random: inout some RandomNumberGenerator) -> UInt64 {
        let value: UInt64 = random.next()
        return stride(from: 42, through: 0, by: -6).reduce(UInt64(0)) { $0 << 8 | UInt64(character(Int(value >> UInt64($1) & 63))) }
    }

    /// The text of words of eight characters each.
    static func string(_ words: [UInt64]) -> String {
        let bytes = words.flatMap { word in stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) } }
        return String(decoding: bytes, as: UTF8.self)
    }
}

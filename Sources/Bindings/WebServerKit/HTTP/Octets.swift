/// The octets that HTTP's grammar names (RFC 9110, 5.6; RFC 5234, B.1).
enum Octet {
    static let tab = UInt8(ascii: "\t")
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let percent = UInt8(ascii: "%")
    static let colon = UInt8(ascii: ":")
    static let numberSign = UInt8(ascii: "#")
    static let delete: UInt8 = 0x7F
}

extension UInt8 {
    /// VCHAR: visible ASCII.
    var isVisible: Bool { self > Octet.space && self < Octet.delete }

    /// What a field value may hold: visible, space, tab, obs-text (RFC 9110, 5.5).
    var isFieldContent: Bool { self >= Octet.space && self != Octet.delete || self == Octet.tab }

    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    /// tchar (RFC 9110, 5.6.2).
    var isToken: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"): true
        case UInt8(ascii: "."), UInt8(ascii: "^")...UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"): true
        default: false
        }
    }

    /// The value of a hexadecimal digit.
    var hexValue: Int? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(self - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(self - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(self - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}

extension Sequence<UInt8> {
    /// The value of a run of one to 18 decimal digits; nil for anything else, signs and spaces included.
    func decimalValue() -> Int? {
        var value = 0
        var digits = 0
        for octet in self {
            guard octet.isDigit, digits < 18 else { return nil }
            value = value * 10 + Int(octet - UInt8(ascii: "0"))
            digits += 1
        }
        return digits > 0 ? value : nil
    }
}

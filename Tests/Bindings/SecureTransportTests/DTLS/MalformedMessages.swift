@testable import SecureTransport

/// A plaintext record with one piece of a handshake message.
func plaintextRecord(message type: UInt8, number: UInt16, length: Int, offset: Int, count: Int, content: [UInt8]? = nil) -> [UInt8] {
    func octets24(_ value: Int) -> [UInt8] { [UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }
    let body = content ?? [UInt8](repeating: 0x55, count: count)
    let message = [type] + octets24(length) + [UInt8(number >> 8), UInt8(number & 0xFF)] + octets24(offset) + octets24(count) + body
    return [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 77] + [UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message
}

/// Records that no handshake can have, each for one reason.
enum MalformedMessages: String, CaseIterable, Sendable {
    case hugeMessage, hugeOffset, pieceBehindTheEnd, pieceLongerThanTheRecord, emptyPiece, cutHeader, unknownType, helloRequest
    case tooFarAhead, hugeCertificate, secondPieceLies, recordLongerThanTheDatagram, emptyRecord, wrongVersion, futureEpoch
    case longChangeCipherSpec, applicationData, plaintextFinished

    static let all = allCases

    var record: [UInt8] {
        switch self {
        case .hugeMessage: plaintextRecord(message: 1, number: 0, length: 0xFF_FFFF, offset: 0, count: 10)
        case .hugeOffset: plaintextRecord(message: 1, number: 0, length: 100, offset: 0xFF_FFFF, count: 10)
        case .pieceBehindTheEnd: plaintextRecord(message: 1, number: 0, length: 100, offset: 95, count: 10)
        case .pieceLongerThanTheRecord: plaintextRecord(message: 1, number: 0, length: 100, offset: 0, count: 100, content: [1, 2, 3])
        case .emptyPiece: plaintextRecord(message: 1, number: 0, length: 100, offset: 0, count: 0)
        case .cutHeader: [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 77, 0, 5, 1, 0, 0, 4, 0]
        case .unknownType: plaintextRecord(message: 99, number: 0, length: 4, offset: 0, count: 4)
        case .helloRequest: plaintextRecord(message: 0, number: 0, length: 0, offset: 0, count: 0)
        case .tooFarAhead: plaintextRecord(message: 11, number: 30, length: 50, offset: 0, count: 50)
        case .hugeCertificate: plaintextRecord(message: 11, number: 1, length: 16_385, offset: 0, count: 200)
        case .secondPieceLies:
            plaintextRecord(
                message: 1, number: 0, length: 8, offset: 0, count: 8, content: [UInt8](repeating: 0, count: 8) + [1, 0xFF, 0xFF, 0xFF])
        case .recordLongerThanTheDatagram: [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 77, 0xFF, 0xFF, 1, 2, 3]
        case .emptyRecord: [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 77, 0, 0]
        case .wrongVersion: [22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 77, 0, 4, 1, 2, 3, 4]
        case .futureEpoch: [22, 0xFE, 0xFD, 0, 2, 0, 0, 0, 0, 0, 77, 0, 4, 1, 2, 3, 4]
        case .longChangeCipherSpec: [20, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 77, 0, 2, 1, 1]
        case .applicationData: [23, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 77, 0, 2, 1, 1]
        case .plaintextFinished: plaintextRecord(message: 20, number: 1, length: 12, offset: 0, count: 12)
        }
    }
}

import Testing

@testable import SecureTransport

struct STUNCodecTests {
    private typealias Builder = STUNMessageBuilder

    private let codec = STUNCodec()
    private let transaction = STUNTransaction(high: 0x0102_0304, low: 0x0506_0708_090A_0B0C)
    private let password = Array("0123456789abcdefghijklmn".utf8)

    private func read(_ message: [UInt8]) throws(STUNDefect) -> STUNMessage {
        let result = message.withUnsafeBytes { octets in Result { () throws(STUNDefect) in try codec.read(octets) } }
        return try result.get()
    }

    private func isAuthentic(_ message: [UInt8], _ key: [UInt8]) -> Bool {
        message.withUnsafeBytes { message in key.withUnsafeBytes { codec.isAuthentic(message, key: $0) } }
    }

    private func written(_ capacity: Int = 1500, _ body: (UnsafeMutableRawBufferPointer) -> Int) -> [UInt8] {
        var output = [UInt8](repeating: 0xEE, count: capacity)
        let count = output.withUnsafeMutableBytes(body)
        return Array(output[..<count])
    }

    // MARK: Round trips

    @Test(arguments: [STUNRole.unstated, .controlling(tieBreaker: .max), .controlled(tieBreaker: 1)], [true, false])
    func whatIsWrittenAsARequestIsRead(role: STUNRole, usesCandidate: Bool) throws {
        let check = STUNCheck(transaction: transaction, priority: 0x7E00_00FF, role: role, usesCandidate: usesCandidate)
        let username = Array("local:remote".utf8)
        let message = username.withUnsafeBytes { username in
            password.withUnsafeBytes { key in written { codec.writeRequest(check, username: username, key: key, into: $0) } }
        }
        guard case .request(let request) = try read(message) else {
            Issue.record("no request")
            return
        }
        #expect(request.transaction == transaction)
        #expect(request.priority == 0x7E00_00FF)
        #expect(request.role == role)
        #expect(request.usesCandidate == usesCandidate)
        #expect(request.username.map { Array(message[$0]) } == username)
        #expect(isAuthentic(message, password))
        #expect(!isAuthentic(message, username))
    }

    @Test(arguments: [
        STUNAddress(ipv4: 0x7F00_0001, port: 1), STUNAddress(ipv4: 0xFFFF_FFFF, port: 0xFFFF), STUNAddress(high: .max, low: .max, port: 9),
        STUNAddress(high: 0xFE80_0000_0000_0000, low: 1, port: 0x2112),
    ])
    func whatIsWrittenAsASuccessIsRead(address: STUNAddress) throws {
        let message = password.withUnsafeBytes { key in
            written { codec.writeSuccess(transaction, mapped: address, key: key, into: $0) }
        }
        #expect(try read(message) == .success(transaction, mapped: address))
        #expect(isAuthentic(message, password))
        #expect(message.count <= STUNCodec.maximumResponseByteCount)
    }

    @Test(arguments: [STUNErrorCode.badRequest, .unauthorized, .unknownAttribute, .roleConflict])
    func whatIsWrittenAsAnErrorIsRead(code: STUNErrorCode) throws {
        var unknown = STUNUnknownAttributes()
        for type in UInt16(0x7000)..<0x7020 { unknown.insert(type) }
        let unsigned = written { codec.writeError(code, transaction, unknown: unknown, key: nil, into: $0) }
        let signed = password.withUnsafeBytes { key in written { codec.writeError(code, transaction, unknown: unknown, key: key, into: $0) }
        }
        for message in [unsigned, signed] {
            #expect(try read(message) == .error(transaction, code: Int(code.rawValue)))
            #expect(message.count <= STUNCodec.maximumResponseByteCount)
            #expect(!isAuthentic(message, password), "errors prove nothing")
        }
        #expect(signed.count == unsigned.count + 24)
        let list = unsigned.firstRange(of: [0, 0x0A, 0, 16, 0x70, 0x00, 0x70, 0x01])  // UNKNOWN-ATTRIBUTES with eight types.
        #expect(list != nil)
    }

    @Test func nothingIsWrittenBeyondTheRoomThereIs() {
        let check = STUNCheck(transaction: transaction, priority: 1, role: .controlling(tieBreaker: 2), usesCandidate: true)
        password.withUnsafeBytes { key in
            for capacity in 0..<120 {
                let success = written(capacity) {
                    codec.writeSuccess(transaction, mapped: STUNAddress(high: 1, low: 2, port: 3), key: key, into: $0)
                }
                let error = written(capacity) { codec.writeError(.roleConflict, transaction, key: key, into: $0) }
                let request = written(capacity) { codec.writeRequest(check, username: key, key: key, into: $0) }
                for message in [success, error, request] { #expect(message.isEmpty || (try? read(message)) != nil) }
            }
        }
        let long = [UInt8](repeating: 0x41, count: 513)
        let tooLong = long.withUnsafeBytes { name in written { codec.writeRequest(check, username: name, key: name, into: $0) } }
        #expect(tooLong.isEmpty, "USERNAME has to be shorter than 513 octets")
    }

    @Test func aCodecCanWriteRequestsForEver() {
        let key = Array("key".utf8)
        key.withUnsafeBytes { key in
            for number in UInt64(0)..<1000 {
                let check = STUNCheck(
                    transaction: STUNTransaction(high: 7, low: number), priority: 1, role: .unstated, usesCandidate: false)
                #expect(!written { codec.writeRequest(check, username: key, key: key, into: $0) }.isEmpty)
            }
        }
    }

    // MARK: What requests say

    @Test func attributesOfChromiumAreUnderstood() throws {
        let message = Builder().with(0x0006, Array("abcd:efgh".utf8)).with(0xC057, [0, 1, 0, 10]).with(
            0x802A, [UInt8](repeating: 1, count: 8)
        )
        .with(0x0025, []).with(0xC001, [0, 0, 0, 5]).with(0x0024, [0x6E, 0, 1, 0xFF]).message
        guard case .request(let request) = try read(message) else {
            Issue.record("no request")
            return
        }
        #expect(request.usesCandidate)
        #expect(request.nomination == 5)
        #expect(request.role == .controlling(tieBreaker: 0x0101_0101_0101_0101))
        #expect(!request.hasIntegrity)
        #expect(request.unknownAttributes.isEmpty, "types from 0x8000 may be ignored")
    }

    @Test func bothRolesAreAContradiction() throws {
        let eight = [UInt8](repeating: 0, count: 8)
        guard case .request(let request) = try read(Builder().with(0x8029, eight).with(0x802A, eight).message) else {
            Issue.record("no request")
            return
        }
        #expect(request.role == .contradictory)
    }

    @Test func unknownRequiredAttributesAreListedOnce() throws {
        var builder = Builder()
        for type in [UInt16(0x7001), 0x0003, 0x7001] + Array(0x7010..<0x7020) { builder = builder.with(type, [1, 2, 3]) }
        guard case .request(let request) = try read(builder.message) else {
            Issue.record("no request")
            return
        }
        let listed = (0..<request.unknownAttributes.count).map { request.unknownAttributes[$0] }
        #expect(listed == [0x7001, 0x0003, 0x7010, 0x7011, 0x7012, 0x7013, 0x7014, 0x7015])
    }

    /// Otherwise whoever is on the way could add USE-CANDIDATE to a signed check (RFC 5389 section 15.4).
    @Test func whatFollowsMessageIntegrityIsIgnored() throws {
        let check = STUNCheck(transaction: transaction, priority: 1, role: .unstated, usesCandidate: false)
        let signed = password.withUnsafeBytes { key in written { codec.writeRequest(check, username: key, key: key, into: $0) } }
        // Without its FINGERPRINT, which would have to come last.
        let header = Array(signed[..<20])
        let body = Array(signed[20..<(signed.count - 8)])
        var forged = header + body + [0, 0x25, 0, 0, 0x70, 0, 0, 0, 0xC0, 0x01, 0, 4, 0, 0, 0, 9]
        forged[3] = UInt8(forged.count - 20)
        guard case .request(let request) = try read(forged) else {
            Issue.record("no request")
            return
        }
        #expect(!request.usesCandidate && request.nomination == nil && request.unknownAttributes.isEmpty)
        #expect(isAuthentic(forged, password))
    }

    @Test func indicationsAreKeepAlives() throws {
        #expect(try read(Builder(type: Builder.binding.indication).message) == .indication(transaction))
    }

    // MARK: Malformed input

    @Test(arguments: MalformedSTUN.allCases)
    func malformedMessagesAreRefused(message: MalformedSTUN) {
        #expect(throws: message.defect) { try read(message.octets) }
        #expect(!isAuthentic(message.octets, password))
    }

    @Test func everyCutOfAMessageIsRefused() {
        let message = password.withUnsafeBytes { key in
            written { codec.writeSuccess(transaction, mapped: .init(ipv4: 1, port: 1), key: key, into: $0) }
        }
        for count in 0..<message.count {
            #expect(throws: STUNDefect.malformed) { try read(Array(message[..<count])) }
            #expect(!isAuthentic(Array(message[..<count]), password))
        }
        #expect(throws: STUNDefect.malformed) { try read(message + [0]) }
    }

    @Test func randomOctetsNeverTrap() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            var message = (0..<Int.random(in: 0...120, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            if message.count >= 20 {
                message.replaceSubrange(
                    0..<2, with: [UInt8.random(in: 0...1, using: &random), [0x01, 0x11].randomElement(using: &random) ?? 1])
                message.replaceSubrange(2..<8, with: [0, UInt8(message.count - 20), 0x21, 0x12, 0xA4, 0x42])
            }
            _ = try? read(message)
            #expect(!isAuthentic(message, password))
        }
    }
}

/// One thing wrong in each.
enum MalformedSTUN: String, CaseIterable, Sendable {
    case empty, lengthTooLarge, lengthTooSmall, lengthUneven, attributeBeyondTheEnd, attributeHeaderCut, hugeAttribute, wrongCookie
    case turnMethod, wrongFingerprint, longFingerprint, shortIntegrity, emptyIntegrity, longUsername, shortPriority, longPriority
    case useCandidateWithValue, shortTieBreaker, shortNomination, addressOfUnknownFamily, shortAddress, tooLong, notSTUN

    private static let success = STUNMessageBuilder(type: STUNMessageBuilder.binding.success)

    var octets: [UInt8] {
        var builder = STUNMessageBuilder()
        switch self {
        case .empty: return []
        case .lengthTooLarge: builder.lengthError = 4
        case .lengthTooSmall:
            builder = builder.with(0x0024, [1, 2, 3, 4])
            builder.lengthError = -4
        case .lengthUneven: builder = builder.withRaw([0, 0x24, 0])
        case .attributeBeyondTheEnd: builder = builder.with(0x0024, [1, 2, 3, 4], claimedLength: 5)
        case .attributeHeaderCut: builder = builder.withRaw([0, 0x24])
        case .hugeAttribute: builder = builder.with(0x0006, [1, 2, 3, 4], claimedLength: 0xFFFF)
        case .wrongCookie: builder.cookie = [0x21, 0x12, 0xA4, 0x43]
        case .turnMethod: builder.type = 0x0003
        case .wrongFingerprint: builder = builder.with(0x8028, [1, 2, 3, 4])
        case .longFingerprint: builder = builder.with(0x8028, [1, 2, 3, 4, 5, 6, 7, 8])
        case .shortIntegrity: builder = builder.with(0x0006, [65]).with(0x0008, [1, 2, 3, 4])
        case .emptyIntegrity: builder = builder.with(0x0006, [65]).with(0x0008, [])
        case .longUsername: builder = builder.with(0x0006, [UInt8](repeating: 65, count: 513))
        case .shortPriority: builder = builder.with(0x0024, [1, 2, 3])
        case .longPriority: builder = builder.with(0x0024, [1, 2, 3, 4, 5])
        case .useCandidateWithValue: builder = builder.with(0x0025, [1])
        case .shortTieBreaker: builder = builder.with(0x802A, [1, 2, 3, 4])
        case .shortNomination: builder = builder.with(0xC001, [1, 2])
        case .addressOfUnknownFamily: builder = Self.success.with(0x0020, [0, 3, 0, 1, 1, 2, 3, 4])
        case .shortAddress: builder = Self.success.with(0x0020, [0, 2, 0, 1, 1, 2, 3, 4])
        case .tooLong: builder = builder.with(0x8022, [UInt8](repeating: 65, count: 1500))
        case .notSTUN: return [0x80, 0x60] + [UInt8](repeating: 0, count: 30)
        }
        return builder.message
    }

    var defect: STUNDefect {
        switch self {
        case .empty, .lengthTooLarge, .lengthTooSmall, .lengthUneven, .attributeBeyondTheEnd, .attributeHeaderCut, .hugeAttribute, .notSTUN:
            .malformed
        case .wrongCookie, .wrongFingerprint, .longFingerprint: .notOurs
        case .turnMethod: .unsupportedMethod
        case .tooLong: .tooLong
        default: .badAttribute
        }
    }
}

import Foundation
import SecureTransport
import Testing

struct MessageAuthenticationTests {
    struct Vector: Sendable {
        let algorithm: MessageAuthentication
        let key: [UInt8]
        let message: String
        let hex: String
    }

    /// RFC 2202 section 3 (SHA-1) and RFC 4231 section 4 (SHA-256), cases 1, 2 and the over-long key; the last two from `openssl dgst -hmac`.
    static let vectors = [
        Vector(
            algorithm: .hmacSHA1, key: Array(repeating: 0x0B, count: 20), message: "Hi There",
            hex: "b617318655057264e28bc0b6fb378c8ef146be00"),
        Vector(
            algorithm: .hmacSHA1, key: Array("Jefe".utf8), message: "what do ya want for nothing?",
            hex: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        Vector(
            algorithm: .hmacSHA1, key: Array(repeating: 0xAA, count: 80), message: "Test Using Larger Than Block-Size Key - Hash Key First",
            hex: "aa4ae5e15272d00e95705637ce8a3b55ed402112"),
        Vector(
            algorithm: .hmacSHA256, key: Array(repeating: 0x0B, count: 20), message: "Hi There",
            hex: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        Vector(
            algorithm: .hmacSHA256, key: Array("Jefe".utf8), message: "what do ya want for nothing?",
            hex: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        Vector(
            algorithm: .hmacSHA256, key: Array(repeating: 0xAA, count: 131),
            message: "Test Using Larger Than Block-Size Key - Hash Key First",
            hex: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        Vector(algorithm: .hmacSHA1, key: [], message: "", hex: "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"),
        Vector(
            algorithm: .hmacSHA256, key: [], message: "", hex: "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
    ]

    @Test(arguments: vectors)
    func codesAreThoseOfTheStandards(_ vector: Vector) throws {
        let code = try vector.algorithm.code(of: Array(vector.message.utf8), key: vector.key)
        #expect(code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == vector.hex)
    }

    /// Time-limited TURN passwords as coturn's `use-auth-secret` expects them (the Eyeson contract, section 16).
    @Test(arguments: [
        ("1700086400:client-0", "31Akr8P026JtVRXeP10CGFZy2c4="), ("1700003600:agent.7", "MrLJn+nGjEkfxcU3Im/gNdRSH9s="),
        ("1700086400:J%C3%B6rg", "430oCkPL1CPXAlrrGn8vC11UWRg="),
    ])
    func turnPasswordsAreThoseOfTheContract(_ username: String, _ credential: String) throws {
        let code = try MessageAuthentication.hmacSHA1.code(of: Array(username.utf8), key: Array("turn-secret-A".utf8))
        #expect(Data(code).base64EncodedString() == credential)
    }

    @Test func everyAlgorithmGivesTheLengthItNames() throws {
        for algorithm in MessageAuthentication.allCases {
            #expect(try algorithm.code(of: [1, 2, 3], key: [4]).count == algorithm.byteCount)
        }
    }
}

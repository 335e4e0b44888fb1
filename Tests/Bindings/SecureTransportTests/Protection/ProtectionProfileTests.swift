import SecureTransport
import Testing

struct ProtectionProfileTests {
    /// RFC 5764 section 4.1.2, RFC 7714 sections 12 and 14.2.
    @Test func numbersAndLengthsAreThoseOfTheStandards() {
        let gcm = ProtectionProfile.aeadAES128GCM
        #expect([gcm.keyByteCount, gcm.saltByteCount, gcm.rtpOverhead, gcm.rtcpOverhead, gcm.exportedByteCount] == [16, 12, 16, 20, 56])
        #expect(gcm.rawValue == 7)
        let cm = ProtectionProfile.aes128CMSHA1_80
        #expect([cm.keyByteCount, cm.saltByteCount, cm.rtpOverhead, cm.rtcpOverhead, cm.exportedByteCount] == [16, 14, 10, 14, 60])
        #expect(cm.rawValue == 1)
    }

    @Test func gcmIsPreferred() { #expect(ProtectionProfile.allCases == [.aeadAES128GCM, .aes128CMSHA1_80]) }
}

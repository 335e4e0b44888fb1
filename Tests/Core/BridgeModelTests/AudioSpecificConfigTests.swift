import BridgeModel
import Testing

@Suite struct AudioSpecificConfigTests {
    /// What encoders say, by their documentation and as ffmpeg prints it.
    @Test(
        arguments: [
            ("1190", 2, 48_000, 2, 1024), ("1188", 2, 48_000, 1, 1024), ("1210", 2, 44_100, 2, 1024), ("1408", 2, 16_000, 1, 1024),
            ("1588", 2, 8000, 1, 1024), ("1194", 2, 48_000, 2, 960), ("11B0", 2, 48_000, 6, 1024), ("11B8", 2, 48_000, 8, 1024),
            // With the extension that announces SBR, as ffmpeg adds it.
            ("119056E500", 2, 48_000, 2, 1024), ("2B118800", 2, 24_000, 2, 1024), ("EB098800", 2, 24_000, 1, 1024),
            // A frequency that is written out: 32,000 Hz.
            ("17803E8010", 2, 32_000, 2, 1024),
        ] as [(String, UInt8, UInt32, UInt8, UInt32)])
    func whatADecoderIsToldIsRead(text: String, coreType: UInt8, rate: UInt32, channels: UInt8, frameLength: UInt32) throws {
        let config = try #require(AudioSpecificConfig(hexadecimal: text))
        #expect(config.coreType == coreType && config.sampleRate == rate && config.channels == channels)
        #expect(config.frameLength == frameLength)
    }

    @Test func theTypeThatIsNamedFirstIsKept() throws {
        #expect(try #require(AudioSpecificConfig(hexadecimal: "1190")).objectType == 2)
        #expect(try #require(AudioSpecificConfig(hexadecimal: "2B118800")).objectType == 5)
        #expect(try #require(AudioSpecificConfig(hexadecimal: "EB098800")).objectType == 29)
    }

    @Test func aFrameLastsAsLongAsItsSamples() throws {
        #expect(try #require(AudioSpecificConfig([0x11, 0x90])).frame == .nanoseconds(21_333_333))
        #expect(try #require(AudioSpecificConfig([0x14, 0x08])).frame == .milliseconds(64))
        #expect(try #require(AudioSpecificConfig([0x11, 0x94])).frame == .milliseconds(20))
    }

    @Test(
        arguments: [
            "", "1", "11", "119", "11 90", "119g", "1１90", "-190",  // cut, and no digits of hexadecimal
            "0190",  // no type
            "BA10",  // ER AAC LD, of other frames
            "F8E63000",  // ELD, behind the escape
            "1180",  // channels that the frames would describe
            "11C0", "11F8",  // reserved layouts
            "1690", "1710",  // reserved frequencies
            "17800000FF10", "17FFFFFF90",  // written-out frequencies that no sound has
            "1192",  // dependsOnCoreCoder without its delay
            "2B11", "2B",  // SBR without what it is around
            "FFFFFFFFFFFFFFFF",
        ])
    func whatContradictsItselfIsRefused(text: String) {
        #expect(AudioSpecificConfig(hexadecimal: text) == nil)
    }

    @Test func longOnesAreNotRead() {
        #expect(AudioSpecificConfig(hexadecimal: "1190" + String(repeating: "00", count: 62)) != nil)
        #expect(AudioSpecificConfig(hexadecimal: "1190" + String(repeating: "00", count: 63)) == nil)
        #expect(AudioSpecificConfig([0x11, 0x90] + [UInt8](repeating: 0, count: 63)) == nil)
    }

    @Test func noBytesTrap() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<12, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            guard let config = AudioSpecificConfig(bytes) else { continue }
            #expect(AudioSpecificConfig.rates.contains(config.sampleRate) && (1...8).contains(config.channels))
        }
    }
}

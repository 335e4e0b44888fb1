import BridgeModel
import Testing

@Suite struct WholeNumberTests {
    @Test(arguments: [("0", 0), ("007", 7), ("9223372036854775807", Int64.max)] as [(String, Int64)])
    func numbersAreRead(text: String, number: Int64) {
        #expect(WholeNumber.read(text, in: 0...Int64.max) == number)
        #expect(WholeNumber.read(text, in: 8...9) == nil)
    }

    @Test(arguments: [
        "", " ", "-0", "+0", "-1", "1.0", "1e3", "0x1", "1_000", "9223372036854775808", "99999999999999999999", "00000000000000000000",
        "NaN",
        "inf", "٣", "３", "1 ", "\u{0}1", "1\n",
    ])
    func othersAreNone(text: String) {
        #expect(WholeNumber.read(text, in: .min ... .max) == nil)
    }

    @Test func oneLineHasNoBreak() {
        for text in ["a\nb", "a\rb", "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "a\u{0}", "\u{7F}"] { #expect(!text.isOneLine) }
        for text in ["", "a b", "Ä 🎥", "a\u{200D}b"] { #expect(text.isOneLine) }
    }
}

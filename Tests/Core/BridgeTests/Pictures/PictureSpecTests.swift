import Bridge
import BridgeModel
import Testing

@Suite struct PictureSpecTests {
    @Test func optionsAreRead() throws {
        #expect(try PictureSpec(.jpeg, width: nil, quality: nil) == PictureSpec(.jpeg))
        #expect(try PictureSpec(.webp, width: "16", quality: "1") == PictureSpec(.webp, width: 16, quality: 1))
        #expect(try PictureSpec(.png, width: "7680", quality: "100") == PictureSpec(.png, width: 7680, quality: 100))
    }

    @Test(arguments: [
        "", " ", "15", "7681", "-320", "+320", " 320", "320 ", "3.2e2", "320.0", "0x140", "NaN", "inf", "320\u{0}", "٣٢٠", "３２０", "3_20",
        "99999999999999999999", "18446744073709551936", "320,85", "320&quality=1",
    ])
    func widthsThatAreNoneAreRefused(text: String) throws {
        let fault = try #require(throws: FieldFault.self) { _ = try PictureSpec(.jpeg, width: text, quality: nil) }
        #expect(fault.field == "width" && fault.rule == "a number from 16 to 7680")
    }

    @Test(arguments: ["", "0", "101", "-1", "+5", "8.5", "NaN", "1e2", "9223372036854775808"])
    func qualitiesThatAreNoneAreRefused(text: String) throws {
        let fault = try #require(throws: FieldFault.self) { _ = try PictureSpec(.webp, width: "320", quality: text) }
        #expect(fault.field == "quality" && fault.rule == "a number from 1 to 100")
    }

    @Test func aSegmentIsChosenByItsNumber() throws {
        #expect(try SegmentRow.number(reading: nil) == 1)
        #expect(try SegmentRow.number(reading: "1") == 1)
        #expect(try SegmentRow.number(reading: "999999") == 999_999)
    }

    @Test(arguments: [
        "", "0", "00", "-1", "+1", "1000000", "1.0", "1e1", "NaN", "..", "../1", "1/../2", "1\u{0}", " 1", "１", "99999999999999999999999",
    ])
    func whatIsNoSegmentIsRefused(text: String) throws {
        let fault = try #require(throws: FieldFault.self) { _ = try SegmentRow.number(reading: text) }
        #expect(fault.field == "segment")
    }
}

import HTTPTypes
import Testing

@testable import WebServerKit

@Suite struct FileReplyTests {
    @Test(
        arguments: [
            (nil, ByteRange.whole), ("bytes=0-0", .part(0..<1)), ("bytes=5-", .part(5..<10)), ("bytes=-3", .part(7..<10)),
            ("bytes=-99", .part(0..<10)), ("bytes=8-99", .part(8..<10)), ("Bytes=2-4", .part(2..<5)), ("bytes=10-", .unsatisfiable),
            ("bytes=-0", .unsatisfiable), ("bytes=4-2", .whole), ("bytes=a-b", .whole), ("bytes=", .whole), ("bytes=-", .whole),
            ("bytes=1", .whole), ("bytes=0-1,3-4", .whole), ("lines=0-1", .whole), ("bytes=99999999999999999999-", .whole),
            ("bytes=--1", .whole), ("bytes=0-1-2", .whole),
        ] as [(String?, ByteRange)]) func rangesAreReadOrIgnored(field: String?, range: ByteRange)
    {
        #expect(ByteRange(field, size: 10) == range)
    }

    @Test func nothingOfAnEmptyFileSatisfiesARange() {
        #expect(ByteRange("bytes=0-", size: 0) == .unsatisfiable)
        #expect(ByteRange("bytes=-1", size: 0) == .unsatisfiable)
    }

    private static let tag = "\"tag\""
    /// Sun, 06 Nov 1994 08:49:37 GMT, the RFC's example.
    private static let modified = 784_111_777
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let earlier = "Sun, 06 Nov 1994 08:49:36 GMT"

    private func reply(_ fields: HTTPFields, _ method: HTTPRequest.Method = .get) -> FileReply {
        let request = HTTPRequest(method: method, scheme: "http", authority: "h", path: "/", headerFields: fields)
        return FileReply(request: request, size: 10, entityTag: Self.tag, modified: Self.modified)
    }

    @Test(
        arguments: [
            ([:], 200), ([.ifNoneMatch: tag], 304), ([.ifNoneMatch: "\"x\", W/" + tag], 304), ([.ifNoneMatch: "*"], 304),
            ([.ifNoneMatch: "\"x\""], 200), ([.ifModifiedSince: date], 304), ([.ifModifiedSince: earlier], 200),
            ([.ifModifiedSince: date, .ifNoneMatch: "\"x\""], 200), ([.ifModifiedSince: "yesterday"], 200), ([.ifMatch: tag], 200),
            ([.ifMatch: "\"x\""], 412), ([.ifUnmodifiedSince: earlier], 412), ([.ifUnmodifiedSince: date], 200),
            ([.range: "bytes=1-2"], 206),
            ([.range: "bytes=10-"], 416), ([.range: "bytes=1-2", .ifRange: tag], 206), ([.range: "bytes=1-2", .ifRange: "\"x\""], 200),
            ([.range: "bytes=1-2", .ifRange: date], 206), ([.range: "bytes=1-2", .ifNoneMatch: tag], 304),
        ] as [(HTTPFields, Int)]) func conditionsDecide(fields: HTTPFields, status: Int)
    {
        #expect(reply(fields).status.code == status)
    }

    @Test func aPartSaysWhichItIs() {
        let part = reply([.range: "bytes=1-2"])
        #expect(part.bytes == 1..<3 && part.fields[.contentRange] == "bytes 1-2/10")
        #expect(reply([.range: "bytes=50-"]).fields[.contentRange] == "bytes */10")
        #expect(reply([.range: "bytes=1-2"], .head).status == .ok)
    }

    @Test func datesGoThereAndBack() {
        #expect(HTTPDate.text(of: Self.modified) == Self.date)
        #expect(HTTPDate.seconds(of: Self.date) == Self.modified)
    }

    @Test(arguments: [
        "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "x, y z a b GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
    ])
    func malformedDatesAreNone(text: String) {
        #expect(HTTPDate.seconds(of: text) == nil)
    }
}

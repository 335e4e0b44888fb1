import Bridge
import BridgeModel
import Testing

/// The examples of "Authenticating Requests: Using the Authorization Header" in the Amazon S3 API Reference; their signatures are held in DeliveryPlaneTests.
@Suite struct SignedRequestTests {
    private let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    @Test func theCanonicalRequestIsTheDocumentedOne() {
        let request = CanonicalRequest(
            method: "GET", path: "/test.txt",
            headers: [
                .init("x-amz-date", "20130524T000000Z"), .init("range", "bytes=0-9"), .init("host", "examplebucket.s3.amazonaws.com"),
                .init("x-amz-content-sha256", empty),
            ], payloadHash: empty)
        #expect(
            request.text == """
                GET
                /test.txt

                host:examplebucket.s3.amazonaws.com
                range:bytes=0-9
                x-amz-content-sha256:\(empty)
                x-amz-date:20130524T000000Z

                host;range;x-amz-content-sha256;x-amz-date
                \(empty)
                """)
    }

    @Test func theStringToSignIsTheDocumentedOne() {
        let scope = SigningScope(at: WallTime(milliseconds: 1_369_353_600_000), region: "us-east-1")
        #expect(
            scope.stringToSign("7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972") == """
                AWS4-HMAC-SHA256
                20130524T000000Z
                20130524/us-east-1/s3/aws4_request
                7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972
                """)
        #expect(scope.keyChain == ["20130524", "us-east-1", "s3", "aws4_request"])
    }

    @Test func theQueryIsSortedAndEncoded() {
        let fields: [CanonicalRequest.Field] = [
            .init("uploadId", "a/b+c="), .init("partNumber", "2"), .init("uploads", ""), .init("a b", "ü"), .init("a", "2"),
            .init("a", "1"),
        ]
        let request = CanonicalRequest(method: "PUT", path: "/", query: fields, headers: [], payloadHash: "")
        #expect(request.queryText == "a=1&a=2&a%20b=%C3%BC&partNumber=2&uploadId=a%2Fb%2Bc%3D&uploads=")
    }

    @Test func spacesOfAHeaderAreFolded() {
        let request = CanonicalRequest(method: "GET", path: "/", headers: [.init("a", "  x   y ")], payloadHash: "h")
        #expect(request.text.contains("\na:x y\n"))
    }

    @Test func aPathKeepsItsSlashes() {
        #expect(PercentEncoding.encode("a b/ü$~.mp4", keepingSlashes: true) == "a%20b/%C3%BC%24~.mp4")
        #expect(PercentEncoding.encode("a/b") == "a%2Fb")
    }
}

@Suite struct S3AnswerTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func answersAreRead() {
        let begun =
            #"<?xml version="1.0" encoding="UTF-8"?><InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket><UploadId>VXBs&amp;1</UploadId></InitiateMultipartUploadResult>"#
        #expect(S3Answer.uploadID(bytes(begun)) == "VXBs&1")
        let page = "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag><Size>8388608</Size></Part>"
        let last = S3Answer.parts(bytes(page + "<IsTruncated>false</IsTruncated></ListPartsResult>"))
        #expect(last?.parts == [StoredPart(number: 1, entityTag: "\"a\"", size: 8_388_608)])
        #expect(last?.next == nil)
        #expect(
            S3Answer.parts(bytes(page + "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>"))?
                .next
                == 1)
        let upload = { (key: String, id: String) in "<Upload><Key>\(key)</Key><UploadId>\(id)</UploadId></Upload>" }
        let uploads = upload("a b/c.webm", "1") + upload("a b/c.webm2", "2") + upload("a b/c.webm", "3&amp;")
        let listed = S3Answer.uploads(
            of: "a b/c.webm", bytes("<ListMultipartUploadsResult>\(uploads)<IsTruncated>true</IsTruncated></ListMultipartUploadsResult>"))
        #expect(listed?.ids == ["1", "3&"] && listed?.hasMore == true)
        #expect(S3Answer.uploads(of: "a", bytes("<ListMultipartUploadsResult/>"))?.ids == [])
        let nameless = "<ListMultipartUploadsResult><Upload><Key>a</Key></Upload></ListMultipartUploadsResult>"
        #expect(S3Answer.uploads(of: "a", bytes(nameless)) == nil && S3Answer.uploads(of: "b", bytes(nameless))?.ids == [])
        #expect(S3Answer.completion(bytes("<CompleteMultipartUploadResult><ETag>x-2</ETag></CompleteMultipartUploadResult>")) == "x-2")
        #expect(S3Answer.errorCode(bytes("  <Error><Code>NoSuchBucket</Code><Message>a&#x62;</Message></Error> \n")) == "NoSuchBucket")
    }

    @Test(arguments: [
        "", " ", "text", "<a>", "</a>", "<a></b>", "<a", "<a b=\"", "<a/", "<a/><b/>", "<a/>x", "<a>&</a>", "<a>&unknown;</a>",
        "<a>&#xD800;</a>",
        "<a>&#99999999999;</a>", "<a>&lt</a>", "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><![CDATA[x</a>",
        "<!--<a/>",
        "<?xml", "<a><b></a></b>", "<:/>", "<\u{0}/>", "<a>\u{FFFD}", "<a b='<'>", "< a/>",
        String(repeating: "<a>", count: 17), String(repeating: "<a>", count: 100_000),
    ])
    func whatIsNoDocumentIsRefused(text: String) {
        if text == "<\u{0}/>" || text == "<a b='<'>" {
            // Names and attributes are not looked into; nothing comes of them.
            #expect(S3Answer.errorCode(bytes(text)) == nil)
        } else {
            #expect(throws: XMLElement.ReadError.self) { try XMLElement.read(text.utf8) }
        }
        #expect(S3Answer.uploadID(bytes(text)) == nil)
        #expect(S3Answer.parts(bytes(text)) == nil)
        #expect(S3Answer.uploads(of: "a", bytes(text)) == nil)
    }

    @Test(arguments: [
        "<InitiateMultipartUploadResult/>", "<InitiateMultipartUploadResult><UploadId></UploadId></InitiateMultipartUploadResult>",
        "<InitiateMultipartUploadResult><UploadId>a\nb</UploadId></InitiateMultipartUploadResult>", "<Other><UploadId>x</UploadId></Other>",
        "<ListPartsResult><Part/></ListPartsResult>",
        "<ListPartsResult><Part><PartNumber>0</PartNumber><ETag>a</ETag><Size>1</Size></Part></ListPartsResult>",
        "<ListPartsResult><Part><PartNumber>10001</PartNumber><ETag>a</ETag><Size>1</Size></Part></ListPartsResult>",
        "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>a</ETag><Size>-1</Size></Part></ListPartsResult>",
        "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>a</ETag><Size>99999999999999999999</Size></Part></ListPartsResult>",
        "<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>", "<Error><Code>a b</Code></Error>", "<Error/>",
    ])
    func anAnswerWithoutWhatItMustHoldIsNone(text: String) {
        #expect(S3Answer.uploadID(bytes(text)) == nil)
        #expect(S3Answer.parts(bytes(text)) == nil)
        #expect(S3Answer.completion(bytes(text)) == nil)
        #expect(S3Answer.errorCode(bytes(text)) == nil)
    }

    @Test func elementsNestAndKeepTheirText() throws {
        let root = try XMLElement.read("<D:a xmlns:D='DAV:'><!-- c --><D:b> x&#65; <![CDATA[<y>]]> </D:b><c/><c d=\"/>\">z</c></D:a>".utf8)
        #expect(root.name == "a")
        #expect(root["b"]?.text == "xA <y>")
        #expect(root.all("c").map(\.text) == ["", "z"])
    }

    @Test func aCompletionNamesThePartsInOrder() throws {
        let order = S3Answer.completionOrder([
            StoredPart(number: 2, entityTag: "\"b<&\"", size: 1), StoredPart(number: 1, entityTag: "a", size: 1),
        ])
        let root = try XMLElement.read(order.utf8)
        #expect(root.all("Part").compactMap { $0["PartNumber"]?.text } == ["1", "2"])
        #expect(root.all("Part").compactMap { $0["ETag"]?.text } == ["a", "\"b<&\""])
    }

    @Test(arguments: [
        ("\"900150983cd24fb0d6963f7d28e17f72\"", "900150983cd24fb0d6963f7d28e17f72", true),
        ("900150983CD24FB0D6963F7D28E17F72", "900150983cd24fb0d6963f7d28e17f72", true),
        ("\"900150983cd24fb0d6963f7d28e17f73\"", "900150983cd24fb0d6963f7d28e17f72", false),
        ("\"900150983cd24fb0d6963f7d28e17f72-2\"", "900150983cd24fb0d6963f7d28e17f72-2", true),
        ("\"900150983cd24fb0d6963f7d28e17f72-3\"", "900150983cd24fb0d6963f7d28e17f72-2", false),
        ("\"900150983cd24fb0d6963f7d28e17f72-2\"", "900150983cd24fb0d6963f7d28e17f73", true),
        ("anything", "900150983cd24fb0d6963f7d28e17f73", true),
        ("", "900150983cd24fb0d6963f7d28e17f73", true),
    ])
    func entityTagsThatAreHashesAreCompared(tag: String, md5: String, fits: Bool) { #expect(S3EntityTag.mayBe(tag, md5: md5) == fits) }

    @Test(arguments: [
        ("SignatureDoesNotMatch", 403, ServiceRefusal.credentials, true), ("InvalidAccessKeyId", 403, .credentials, true),
        ("NoSuchBucket", 404, .missingContainer, true), ("RequestTimeTooSkewed", 403, .clockSkew, true), ("SlowDown", 503, .slowDown, true),
        ("XAmzContentSHA256Mismatch", 400, .damaged, true), ("NoSuchUpload", 404, .lostUpload, true),
        ("PermanentRedirect", 301, .wrongRegion, true),
        ("QuotaExceeded", 403, .full, true), ("InvalidRequest", 400, .impossibleWish("InvalidRequest"), false),
        ("KMS.NotFoundException", 400, .other(""), false), ("", 403, .credentials, true), ("", 404, .missingContainer, true),
        ("", 500, .other(""), true), ("", 400, .other(""), false), ("", 507, .full, true), ("Strange", 418, .other("Strange"), false),
        ("InternalError", 200, .other("InternalError"), true),
    ])
    func refusalsAreUnderstood(code: String, status: Int, refusal: ServiceRefusal, isRetried: Bool) {
        // What S3Answer does not take for a code does not get here.
        let code = code.isEmpty || code.contains(".") ? nil : code
        #expect(ServiceRefusal(s3: code, status: status) == refusal)
        #expect(refusal.isWorthAnotherAttempt(status: status) == isRetried)
        #expect(refusal.description.contains(":"))
    }
}

@Suite struct MultipartPlanTests {
    private static let mebibyte: Int64 = 1 << 20

    private func file(_ size: Int64, complete: Bool = true, rewritable: Int64 = 0) -> GrowingFile {
        GrowingFile(path: "/f", durableSize: size, rewritable: rewritable, isComplete: complete)
    }

    @Test func partsTouchAndCoverTheFile() {
        for size in [0, 1, 8 * Self.mebibyte, 8 * Self.mebibyte + 1, 7_999 * Self.mebibyte, 9_000 * Self.mebibyte, PartLayout.longestFile] {
            let count = PartLayout.count(size: size)
            var end: Int64 = 0
            for number in 1...count {
                let range = PartLayout.range(of: number, size: size)
                #expect(range.lowerBound == end)
                if number < count { #expect(range.count >= 5 << 20) }
                #expect(Int64(range.count) < 5 << 30)
                end = range.upperBound
            }
            #expect(end == size)
            #expect(count == 1 || !PartLayout.range(of: count, size: size).isEmpty)
        }
        #expect(PartLayout.longestFile > 5 << 40)
    }

    /// A folder takes smaller parts than S3.
    @Test func aFinerCutCoversTheFileToo() {
        var plan = MultipartPlan(first: 1 << 20)
        let file = file(3 * Self.mebibyte + 1)
        var ranges: [Range<Int64>] = []
        while case .send(let number, let range) = plan.next(file) {
            ranges.append(range)
            plan.finished(StoredPart(number: number, entityTag: "", size: Int64(range.count)))
        }
        let mebibyte = Self.mebibyte
        #expect(
            ranges == [
                mebibyte..<(2 * mebibyte), (2 * mebibyte)..<(3 * mebibyte), (3 * mebibyte)..<(3 * mebibyte + 1), 0..<mebibyte,
            ])
        #expect(plan.parts(size: file.durableSize)?.count == 4)
    }

    @Test(arguments: [Int.min, -1, 0, 10_002, .max])
    func numbersThatAreNoneHaveNoBytes(number: Int) { #expect(PartLayout.range(of: number, size: .max).lowerBound >= 0) }

    @Test func aCompleteFileIsSentFirstPartLast() {
        var plan = MultipartPlan()
        let file = file(20 * Self.mebibyte)
        var order: [Int] = []
        while case .send(let number, let range) = plan.next(file) {
            order.append(number)
            plan.finished(StoredPart(number: number, entityTag: "\(number)", size: Int64(range.count)))
        }
        #expect(order == [2, 3, 1])
        #expect(plan.next(file) == .complete)
        #expect(plan.parts(size: file.durableSize)?.map(\.number) == [1, 2, 3])
    }

    @Test func aGrowingFileIsSentAsFarAsItIsFinal() {
        var plan = MultipartPlan()
        #expect(plan.next(file(7 * Self.mebibyte, complete: false, rewritable: 100)) == .wait)
        #expect(plan.next(file(15 * Self.mebibyte, complete: false, rewritable: 100)) == .wait)
        let second = MultipartPlan.Step.send(part: 2, range: (8 * Self.mebibyte)..<(16 * Self.mebibyte))
        #expect(plan.next(file(16 * Self.mebibyte, complete: false, rewritable: 100)) == second)
        // Without anything to rewrite the first part is final, too.
        #expect(plan.next(file(9 * Self.mebibyte, complete: false)) == .send(part: 1, range: 0..<(8 * Self.mebibyte)))
        plan.finished(StoredPart(number: 2, entityTag: "2", size: 8 * Self.mebibyte))
        #expect(plan.next(file(17 * Self.mebibyte, complete: false, rewritable: 100)) == .wait)
        #expect(plan.next(file(17 * Self.mebibyte)) == .send(part: 3, range: (16 * Self.mebibyte)..<(17 * Self.mebibyte)))
    }

    @Test func aPartOfAnotherLengthIsSentAgain() {
        var plan = MultipartPlan(stored: [
            StoredPart(number: 1, entityTag: "a", size: 5), StoredPart(number: 99_999, entityTag: "b", size: 5),
        ])
        #expect(plan.next(file(6)) == .send(part: 1, range: 0..<6))
        #expect(plan.parts(size: 6) == nil)
        plan.finished(StoredPart(number: 1, entityTag: "c", size: 6))
        #expect(plan.parts(size: 6)?.map(\.entityTag) == ["c"])
    }
}

@Suite struct TokenBucketTests {
    @Test func aRateIsKept() {
        var bucket = TokenBucket(rate: 1000, now: MonotonicTime(nanoseconds: 0))
        var now = MonotonicTime(nanoseconds: 0)
        for _ in 0..<100 { now = now.advanced(by: bucket.take(100, now: now)) }
        // 10,000 bytes at 1,000 a second.
        #expect(abs(now.duration(since: MonotonicTime(nanoseconds: 0)).wholeMilliseconds - 10_000) <= 250)
    }

    @Test func aRestGivesNoMoreThanABurst() {
        var bucket = TokenBucket(rate: 1000, now: MonotonicTime(nanoseconds: 0))
        let later = MonotonicTime(nanoseconds: 3_600_000_000_000)
        #expect(bucket.take(250, now: later) == .zero)
        #expect(bucket.take(1000, now: later) == .seconds(1))
        #expect(bucket.take(-5, now: later) == .seconds(1))
    }
}

import Bridge
import BridgeModel
import Testing

@Suite struct DestinationReaderTests {
    private let reader = DestinationReader(rules: AddressRules())
    private static let store = #""s3":{"endpoint":"https://s3.example","bucket":"films","access_key":"AK","secret_key":"hush""#

    private func read(_ text: String) throws -> DestinationChoice { try reader.choice(JSONValue.read(text.utf8)) }

    @Test(arguments: [
        #"{"keep":true}"#, #"{"folder":"/srv/films"}"#, #"{"folder":"/srv/films","key":"{camera}/{id}.mp4"}"#,
        #"{"url":"https://a.example/k?sig=1"}"#, #"{"url":"https://a.example/k","method":"PUT","headers":{}}"#,
        #"{"url":"https://a.example/k/","method":"POST","headers":{"Authorization":"Bearer x","x-a":"b c"},"key":"{id}"}"#,
        #"{"webdav":{"url":"https://dav.example/films","key":"{id}"}}"#,
        #"{"webdav":{"url":"https://dav.example/films","key":"{id}","user":"u","password":"p:w"}}"#,
        #"{"webdav":{"url":"https://dav.example/films","key":"{id}","token":"t"}}"#,
        #"{\#(store),"region":"eu-central-1","key":"{id}","addressing":"host","encryption":"aws:kms","encryption_key_id":"arn:1","tags":{"a":"b","c":"d e"},"lock":{"mode":"COMPLIANCE","days":30},"storage_class":"STANDARD_IA","session_token":"tok"}}"#,
        #"{\#(store),"region":"us-east-1","key":"{id}","addressing":"path","lock":{"mode":"GOVERNANCE","retain_until":"2031-05-01T00:00:00.000Z"}},"fallback":{"folder":"/spare"},"keep_local":3600}"#,
        #"{"folder":"/a","keep_local":"always"}"#, #"{"folder":"/a","keep_local":"delete"}"#,
        #"{"folder":"/a","sidecars":[]}"#, #"{"folder":"/a","sidecars":["thumbnails","manifest","thumbnails"]}"#,
        #"{"url":"https://a.example/k","sidecars":["poster"],"fallback":{"folder":"/b"}}"#, #"{"url":"https://a.example/k","sidecars":[]}"#,
    ])
    func aDestinationComesBackFromItsOwnText(text: String) throws {
        let choice = try read(text)
        #expect(try read(choice.sealedText.revealed) == choice)
    }

    @Test func membersArriveWhereTheyBelong() throws {
        let choice = try read(
            #"{\#(Self.store),"encryption":"AES256","tags":{"k":"v"}},"fallback":{"url":"https://b.example/x"},"keep_local":60}"#)
        guard case .s3(let store) = choice.destination else {
            Issue.record("\(choice)")
            return
        }
        #expect(store.endpoint == "https://s3.example")
        #expect(store.region == "us-east-1")
        #expect(store.bucket == "films")
        #expect(store.key == .standard)
        #expect(store.credentials == .init(accessKey: "AK", secretKey: Redacted("hush")))
        #expect(store.encryption == .storeKeys)
        #expect(store.tags == [.init("k", "v")])
        #expect(choice.fallback == .put(url: Redacted("https://b.example/x")))
        #expect(choice.keepLocal == .time(.seconds(60)))
    }

    @Test func sidecarsStandOnceInTheirOrder() throws {
        #expect(try read(#"{"folder":"/a","sidecars":["thumbnails","manifest","thumbnails"]}"#).sidecars == [.manifest, .thumbnails])
        #expect(try read(#"{"folder":"/a"}"#).sidecars == nil)
    }

    @Test func secretsAreNotShown() throws {
        let texts = [
            #"{\#(Self.store),"session_token":"hush2","lock":{"mode":"GOVERNANCE","days":1}},"fallback":{"url":"https://b.example/hush3?sig=hush4"}}"#,
            #"{"url":"https://b.example/hush","headers":{"Authorization":"hush2"}}"#,
            #"{"webdav":{"url":"https://d.example/hush","user":"u","password":"hush2"}}"#,
            #"{"webdav":{"url":"https://d.example/hush","token":"hush2"}}"#,
        ]
        for text in texts {
            let choice = try read(text)
            #expect(!choice.shownJSON.text.contains("hush"), "\(choice.shownJSON.text)")
            #expect(choice.sealedText.revealed.contains("hush"))
            // The bridge's own words for logs and errors, too.
            #expect(!"\(choice) \(choice.destination.origin)".contains("hush"), "\(choice)")
        }
    }

    @Test(arguments: [
        ("[]", ""), ("{}", ""), (#"{"keep":false}"#, "keep"), (#"{"keep":true,"folder":"/a"}"#, ""), (#"{"folder":"a"}"#, "folder"),
        (#"{"folder":"/a/../b"}"#, "folder"), (#"{"folder":"/a/."}"#, "folder"), (#"{"folder":"/a\u0000"}"#, "folder"),
        (#"{"folder":7}"#, "folder"), (#"{"folder":"/a","key":"../{id}"}"#, "key"), (#"{"folder":"/a","kay":"{id}"}"#, ""),
        (#"{"url":"http://a.example/"}"#, "url"), (#"{"url":"https://user@a.example/"}"#, "url"),
        (#"{"url":"https://a.example/","method":"DELETE"}"#, "method"), (#"{"url":"https://a.example/","headers":[]}"#, "headers"),
        (#"{"url":"https://a.example/","headers":{"Host":"b"}}"#, "headers"),
        (#"{"url":"https://a.example/","headers":{"content-LENGTH":"1"}}"#, "headers"),
        (#"{"url":"https://a.example/","headers":{"a":"b\r\nx: y"}}"#, "headers"),
        (#"{"url":"https://a.example/","headers":{"a b":"c"}}"#, "headers"),
        (#"{"url":"https://a.example/","headers":{"":"c"}}"#, "headers"),
        (#"{"url":"https://a.example/","headers":{"a":1}}"#, "headers"),
        (#"{"url":"https://a.example/","headers":{"a":"1","A":"2"}}"#, "headers"),
        (#"{"webdav":{}}"#, "webdav.url"), (#"{"webdav":"https://a.example/"}"#, "webdav"),
        (#"{"webdav":{"url":"https://a.example/?x"}}"#, "webdav.url"), (#"{"webdav":{"url":"https://a.example/","user":"u"}}"#, "webdav"),
        (#"{"webdav":{"url":"https://a.example/","user":"u:v","password":"p"}}"#, "webdav.user"),
        (#"{"webdav":{"url":"https://a.example/","token":"a b"}}"#, "webdav.token"),
        (#"{"s3":{}}"#, "s3.endpoint"), (#"{"s3":{"endpoint":"https://s3.example/path"}}"#, "s3.endpoint"),
        (#"{"s3":{"endpoint":"https://s3.example?x"}}"#, "s3.endpoint"), (#"{"s3":{"endpoint":"ftp://s3.example"}}"#, "s3.endpoint"),
        (#"{"s3":{"endpoint":"https://s3.example"}}"#, "s3.bucket"),
        (#"{"s3":{"endpoint":"https://s3.example","bucket":"A"}}"#, "s3.bucket"),
        (#"{"s3":{"endpoint":"https://s3.example","bucket":"../x"}}"#, "s3.bucket"),
        (#"{"s3":{"endpoint":"https://s3.example","bucket":"a/b"}}"#, "s3.bucket"),
        (#"{"s3":{"endpoint":"https://s3.example","bucket":"abc-"}}"#, "s3.bucket"),
        (#"{"s3":{"endpoint":"https://s3.example","bucket":"abc","region":"a/b"}}"#, "s3.region"),
        (#"{"s3":{"endpoint":"https://s3.example","bucket":"abc"}}"#, "s3.access_key"),
        (#"{"s3":{"endpoint":"https://s3.example","bucket":"abc","access_key":"a/b"}}"#, "s3.access_key"),
        (#"{"s3":{"endpoint":"https://s3.example","bucket":"abc","access_key":"a"}}"#, "s3.secret_key"),
        (#"{\#(store),"key":"{camera}"}}"#, "s3.key"), (#"{\#(store),"encryption":"rot13"}}"#, "s3.encryption"),
        (#"{\#(store),"encryption":"AES256","encryption_key_id":"x"}}"#, "s3.encryption_key_id"),
        (#"{\#(store),"tags":{"a":1}}}"#, "s3.tags"),
        (#"{\#(store),"tags":{"a\n":"1"}}}"#, "s3.tags"), (#"{\#(store),"lock":{}}}"#, "s3.lock.mode"),
        (#"{\#(store),"lock":{"mode":"GOVERNANCE"}}}"#, "s3.lock"),
        (#"{\#(store),"lock":{"mode":"GOVERNANCE","days":0}}}"#, "s3.lock.days"),
        (#"{\#(store),"lock":{"mode":"GOVERNANCE","days":1,"retain_until":"2031-05-01T00:00:00Z"}}}"#, "s3.lock"),
        (#"{\#(store),"lock":{"mode":"GOVERNANCE","retain_until":"2031-02-30T00:00:00Z"}}}"#, "s3.lock.retain_until"),
        (#"{\#(store),"storage_class":"a b"}}"#, "s3.storage_class"), (#"{\#(store),"secret":"x"}}"#, "s3"),
        (#"{"folder":"/a","fallback":{}}"#, "fallback"), (#"{"folder":"/a","fallback":{"folder":"b"}}"#, "fallback.folder"),
        (#"{"folder":"/a","fallback":{"folder":"/b","fallback":{"folder":"/c"}}}"#, "fallback"),
        (#"{"folder":"/a","keep_local":-1}"#, "keep_local"), (#"{"folder":"/a","keep_local":"forever"}"#, "keep_local"),
        (#"{"folder":"/a","keep_local":1e300}"#, "keep_local"),
        (#"{"folder":"/a","sidecars":"poster"}"#, "sidecars"), (#"{"folder":"/a","sidecars":["Poster"]}"#, "sidecars"),
        (#"{"folder":"/a","sidecars":[1]}"#, "sidecars"), (#"{"folder":"/a","sidecars":{"poster":true}}"#, "sidecars"),
        (#"{"url":"https://a.example/k?sig=1","sidecars":["poster"]}"#, "sidecars"),
        (#"{"keep":true,"sidecars":["manifest"]}"#, "sidecars"),
        (#"{"url":"https://a.example/","method":"POST","sidecars":["poster"],"fallback":{"url":"https://b.example/"}}"#, "sidecars"),
        (#"{"folder":"/a","fallback":{"folder":"/b","sidecars":["poster"]}}"#, "fallback"),
        (
            #"{"folder":"/a","sidecars":["poster","poster","poster","poster","poster","poster","poster","poster","poster","poster","poster","poster","poster","poster","poster","poster","poster"]}"#,
            "sidecars"
        ),
    ])
    func whatIsWrongIsNamed(text: String, field: String) {
        let fault = #expect(throws: DestinationFault.self) { try read(text) }
        #expect(fault?.field == field, "\(fault?.message ?? "")")
    }

    @Test func hostAddressingNeedsAName() {
        let text = #"{"s3":{"endpoint":"https://93.184.216.34","bucket":"abc","access_key":"a","secret_key":"b","addressing":"host"}}"#
        #expect(throws: DestinationFault.self) { try read(text) }
    }

    @Test(arguments: [
        ("2031-05-01T00:00:00Z", "2031-05-01T00:00:00.000Z"), ("2024-02-29T23:59:59.5Z", "2024-02-29T23:59:59.500Z"),
        ("1970-01-01T00:00:00.123456789Z", "1970-01-01T00:00:00.123Z"),
    ])
    func momentsAreRead(text: String, moment: String) { #expect(WallTime(dateTime: text)?.iso8601 == moment) }

    @Test(arguments: [
        "", "Z", "2031-05-01", "2031-05-01T00:00:00", "2031-05-01T00:00:00+01:00", "2031-13-01T00:00:00Z", "2023-02-29T00:00:00Z",
        "2031-05-01T24:00:00Z", "2031-05-01T00:60:00Z", "2031-5-01T00:00:00Z0", "9999-05-01T00:00:00Z", "2031-05-01T00:00:00.Z",
        "2031-05-01T00:00:00.1234567890Z", "2031-05-01 00:00:00Z",
    ])
    func otherTextIsNoMoment(text: String) { #expect(WallTime(dateTime: text) == nil) }
}

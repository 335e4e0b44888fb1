import Bridge
import BridgeAPI
import BridgeModel
import Foundation
import HTTPCore
import HTTPTypes
import Playback
import Synchronization
import Testing

@Suite struct PlaybackOperationTests {
    private static let paths = [
        "timeline", "range.mp4?from=1&to=2", "range.webm?from=1&to=2", "hls/live.m3u8", "hls/master.m3u8", "hls/media.m3u8?from=1&to=2",
        "hls/r1.0-init.mp4", "snapshot.jpg?at=1", "snapshot.png?at=1970-01-01T00:00:00Z", "snapshot.webp?at=0&width=16",
        "thumbnails/r1.poster.jpg", "thumbnails/r1-2.thumbnails.vtt", "thumbnails/r1.sprite-12.jpg",
    ]

    @Test(arguments: paths)
    func theOperatorMayLookBack(path: String) async throws {
        #expect(try await Stage().send(.get, "/bridge/v1/streams/cam/\(path)", token: "T-admin").status == 200)
    }

    @Test(arguments: paths)
    func viewersMayWhereTheSettingsSaySo(path: String) async throws {
        let (closed, open) = (Stage(), Stage(viewersLookBack: true))
        #expect(try await closed.send(.get, "/bridge/v1/streams/cam/\(path)", token: "T-watch").status == 404)
        #expect(try await open.send(.get, "/bridge/v1/streams/cam/\(path)", token: "T-watch").status == 200)
        #expect(try await open.send(.get, "/bridge/v1/streams/other/\(path)", token: "T-watch").status == 404)
        #expect(try await open.send(.get, "/bridge/v1/streams/cam/\(path)").status == 401)
    }

    @Test(arguments: paths)
    func publicStreamsAreOpenOnlyWhereViewersMayLookBack(path: String) async throws {
        #expect(try await Stage(streamsArePublic: true).send(.get, "/bridge/v1/streams/cam/\(path)").status == 401)
        #expect(try await Stage(streamsArePublic: true, viewersLookBack: true).send(.get, "/bridge/v1/streams/cam/\(path)").status == 200)
    }

    @Test func aTokenInTheQueryIsPassedOn() async throws {
        let stage = Stage()
        let live = try await stage.send(
            .get, "/bridge/v1/streams/cam/hls/live.m3u8?_HLS_msn=4&_HLS_part=2&_HLS_skip=YES&auth_token=T-admin")
        #expect(live.text == "live 4 2 true?auth_token=T-admin")
        #expect(live.fields[.contentType] == "application/vnd.apple.mpegurl")
        let master = try await stage.send(.get, "/bridge/v1/streams/cam/hls/master.m3u8?from=1000&to=2000&auth_token=T-admin")
        #expect(master.text == "master of media.m3u8?from=1000&to=2000&auth_token=T-admin")
        #expect(try await stage.send(.get, "/bridge/v1/streams/cam/hls/live.m3u8?auth_token=T-nobody").status == 401)
    }

    @Test func theTimelineIsGivenPageByPage() async throws {
        let path = "/bridge/v1/streams/cam/timeline?from=1000000000&to=1000060000&limit=2"
        let first = try await Stage().send(.get, path, token: "T-admin").json
        #expect(first["items"]?.array?.map { $0["type"]?.string } == ["media", "gap"])
        let next = try #require(first["next"]?.string)
        let second = try await Stage().send(.get, path + "&after=" + next, token: "T-admin").json
        #expect(second["items"]?.array?.map { $0["live"]?.bool } == [true])
        #expect(second["next"] == .null)
    }

    @Test(arguments: [("T-admin", JSONValue.string("at the door")), ("T-watch", .null), (nil, .null)] as [(String?, JSONValue)])
    func theNoteOfAnEventIsForTheOperator(token: String?, note: JSONValue) async throws {
        let stage = Stage(streamsArePublic: true, viewersLookBack: true)
        let body = #"{"type":"motion","note":"at the door"}"#
        #expect(try await stage.send(.post, "/bridge/v1/streams/cam/events", token: "T-admin", body: body).status == 201)
        let reply = try await stage.send(.get, "/bridge/v1/streams/cam/timeline", token: token)
        let event = try #require(reply.json["events"]?.array?.first)
        #expect(event["type"] == "motion" && event["id"] == "e-0" && event["at"]?.string != nil)
        #expect(event["note"] == note)
        #expect(reply.text.contains("door") == (note != .null))
    }

    @Test func aRangeSaysWhereItBegins() async throws {
        let stage = Stage()
        let reply = try await stage.send(.get, "/bridge/v1/streams/cam/range.mp4?from=1000&to=2000&exact=true", token: "T-admin")
        #expect(reply.fields[.contentType] == "video/mp4; codecs=\"avc1.42E01F,opus\"")
        #expect(reply.fields[.init("X-Media-Start") ?? .date] == "1970-01-01T00:00:00.000Z")
        #expect(stage.library.memory.withLock(\.cuts).map(\.isExact) == [true])
    }

    @Test(arguments: [
        ("timeline?from=x", "from"), ("timeline?from=2&to=1", "to"), ("timeline?after=1", "after"), ("timeline?limit=1001", "limit"),
        ("range.mp4", "from"), ("range.mp4?from=1", "to"), ("range.mp4?from=0&to=86400001", "to"),
        ("range.mp4?from=1&to=2&exact=1", "exact"),
        ("range.webm?from=1&to=2&exact=true", "exact"), ("hls/media.m3u8?from=1", "to"), ("hls/live.m3u8?_HLS_part=1", "_HLS_part"),
        ("snapshot.jpg?at=x", "at"), ("snapshot.jpg?width=15", "width"), ("snapshot.png?at=1&width=7681", "width"),
        ("snapshot.webp?quality=101", "quality"), ("snapshot.webp?quality=+5", "quality"),
        ("hls/live.m3u8?_HLS_skip=NO", "_HLS_skip"), ("hls/master.m3u8?to=1", "from"),
    ])
    func malformedRequestsNameTheirField(path: String, field: String) async throws {
        let reply = try await Stage().send(.get, "/bridge/v1/streams/cam/\(path)", token: "T-admin")
        #expect(reply.status == 400)
        #expect(reply.json["field"]?.string == field)
    }

    @Test(arguments: [
        "hls/x", "hls/..%2Fr1.0-init.mp4", "hls/r1.0.5.m4s", "hls/r1.1-init.mp4", "hls/R1.0-init.mp4", "thumbnails/r1.webm",
        "thumbnails/r1.sprite-0.jpg", "thumbnails/..%2Fr1.poster.jpg",
    ])
    func whatNoPlaylistNamesIsNotThere(path: String) async throws {
        #expect(try await Stage().send(.get, "/bridge/v1/streams/cam/\(path)", token: "T-admin").status == 404)
    }

    @Test(
        arguments: [
            (.nothingRecorded, 404, "nothing_recorded"), (.nothingAt(before: nil, after: nil), 404, "nothing_recorded"),
            (.unsuitable(codec: "VP8", instead: "WebM"), 406, "unsuitable_container"),
            (.formatChanges, 409, "format_changes"), (.failed(BridgeError(.unavailable, "busy")), 503, "unavailable"),
        ] as [(PlaybackError, Int, String)])
    func failuresHaveTheirCodes(failure: PlaybackError, status: Int, code: String) async throws {
        for path in Self.paths {
            let stage = Stage()
            stage.library.memory.withLock { $0.failure = failure }
            let reply = try await stage.send(.get, "/bridge/v1/streams/cam/\(path)", token: "T-admin")
            #expect(reply.status == status, "\(path)")
            #expect(reply.code == code, "\(path)")
        }
    }
}

@Suite struct SnapshotOperationTests {
    private static let path = "/bridge/v1/streams/cam/snapshot"

    @Test(arguments: [("jpg", "jpeg"), ("png", "png"), ("webp", "webp")])
    func aPictureHasItsTypeAndTime(name: String, type: String) async throws {
        let stage = Stage()
        let live = try await stage.send(.get, "\(Self.path).\(name)?width=320&quality=40", token: "T-admin")
        #expect(live.fields[.contentType] == "image/\(type)")
        #expect(live.fields[.init("X-Media-Time") ?? .date] == "1970-01-01T00:00:05.000Z")
        #expect(live.fields[.cacheControl] == "no-store")
        let recorded = try await stage.send(.get, "\(Self.path).\(name)?at=7000", token: "T-admin")
        #expect(recorded.fields[.init("X-Media-Time") ?? .date] == "1970-01-01T00:00:07.000Z")
        let asked = stage.library.memory.withLock(\.pictures)
        #expect(asked.map(\.at) == [nil, WallTime(milliseconds: 7000)])
        #expect(asked.first?.spec.width == 320 && asked.first?.spec.quality == 40)
    }

    @Test func whoeverMayWatchMaySeeNow() async throws {
        #expect(try await Stage().send(.get, Self.path + ".jpg", token: "T-watch").status == 200)
        #expect(try await Stage().send(.get, Self.path + ".jpg?auth_token=T-watch").status == 200)
        #expect(try await Stage().send(.get, "/bridge/v1/streams/other/snapshot.jpg", token: "T-watch").status == 404)
        #expect(try await Stage().send(.get, Self.path + ".jpg").status == 401)
        #expect(try await Stage(streamsArePublic: true).send(.get, Self.path + ".jpg").status == 200)
    }

    @Test(
        arguments: [
            (.noMedia, 503, "no_media"), (.limitReached, 429, "limit_reached"), (.notFound, 404, "not_found"),
            (.forbidden, 403, "forbidden"),
        ] as [(BridgeError.Code, Int, String)])
    func failuresOfLivePicturesHaveTheirCodes(failure: BridgeError.Code, status: Int, code: String) async throws {
        let stage = Stage()
        stage.library.memory.withLock { $0.failure = .failed(BridgeError(failure, "so it is")) }
        let reply = try await stage.send(.get, Self.path + ".jpg", token: "T-admin")
        #expect(reply.status == status)
        #expect(reply.code == code)
    }

    @Test func aGapNamesTheNearestMoments() async throws {
        let stage = Stage()
        stage.library.memory.withLock { $0.failure = .nothingAt(before: WallTime(milliseconds: 1000), after: nil) }
        let reply = try await stage.send(.get, Self.path + ".jpg?at=2000", token: "T-admin")
        #expect(reply.status == 404)
        #expect(reply.json["before"]?.string == "1970-01-01T00:00:01.000Z")
        #expect(reply.json["after"] == .null)
    }
}

@Suite struct ClipOperationTests {
    private static let order = #"{"stream":"cam","from":1000,"to":"1970-01-01T00:00:05Z","title":"Gate","tags":["b","a","b"]}"#

    @Test func aClipIsMadeFoundSharedAndRemoved() async throws {
        let stage = Stage()
        let made = try await stage.send(.post, "/bridge/v1/clips", token: "T-admin", body: Self.order)
        #expect(made.status == 201)
        #expect(made.fields[.location] == "/bridge/v1/clips/c1")
        #expect(made.json["tags"]?.array?.compactMap(\.string) == ["a", "b"])
        let found = try await stage.send(.get, "/bridge/v1/clips?tag=a&stream=cam&from=1&to=9&limit=1", token: "T-admin")
        #expect(found.json["clips"]?.array?.count == 1)
        #expect(stage.library.memory.withLock(\.clipQueries).first?.tag == "a")
        let link = try await stage.send(.post, "/bridge/v1/clips/c1/share", token: "T-admin", body: #"{"ttl_s":60}"#)
        let url = try #require(link.json["url"]?.string)
        let path = String(url.dropFirst("http://bridge.example".count))
        #expect(try await stage.send(.get, path).body == .file(path: "/clips/c1.mp4"))
        #expect(try await stage.send(.get, path.replacingOccurrences(of: "c1", with: "c2")).status == 403)
        #expect(try await stage.send(.delete, "/bridge/v1/clips/c1", token: "T-admin").status == 204)
        #expect(try await stage.send(.get, path).status == 404)
        #expect(try await stage.send(.delete, "/bridge/v1/clips/c1", token: "T-admin").status == 404)
    }

    @Test(arguments: [
        (#"{}"#, "stream"), (#"{"stream":"cam"}"#, "from"), (#"{"stream":"cam","from":1}"#, "to"),
        (#"{"stream":"cam","from":true,"to":2}"#, "from"), (#"{"stream":"cam","from":2,"to":1}"#, "to"),
        (#"{"stream":"cam","from":0,"to":3600001}"#, "to"), (#"{"stream":"cam","from":1699999999999,"to":1700000000001}"#, "to"),
        (#"{"stream":"cam","from":1,"to":2,"tags":"a"}"#, "tags"),
        (#"{"stream":"cam","from":1,"to":2,"tags":[""]}"#, "tags"), (#"{"stream":"cam","from":1,"to":2,"tags":["\u0000"]}"#, "tags"),
        (#"{"stream":"cam","from":1,"to":2,"title":"\n"}"#, "title"), (#"{"stream":"","from":1,"to":2}"#, "stream"),
    ])
    func malformedOrdersNameTheirField(body: String, field: String) async throws {
        let reply = try await Stage().send(.post, "/bridge/v1/clips", token: "T-admin", body: body)
        #expect(reply.status == 400)
        #expect(reply.json["field"]?.string == field)
    }

    @Test func clipsAreTheOperators() async throws {
        let stage = Stage(streamsArePublic: true, viewersLookBack: true)
        for (method, path) in [("GET", ""), ("POST", ""), ("GET", "/c1"), ("DELETE", "/c1"), ("GET", "/c1/file"), ("POST", "/c1/share")] {
            let operation = method == "GET" ? Stage.Method.get : method == "POST" ? .post : .delete
            #expect(try await stage.send(operation, "/bridge/v1/clips\(path)", token: "T-watch").status == 403, "\(method) \(path)")
            #expect(try await stage.send(operation, "/bridge/v1/clips\(path)").status == 401, "\(method) \(path)")
        }
    }

    @Test(
        arguments: [
            (nil, "a", 0), ("5", nil, 0), ("", "a", 0), ("-5", "a", 0), ("x", "a", 0), ("9999999999999", "a", 0), ("5", "", 0),
            ("5", "deadbeef", 0),
        ] as [(String?, String?, Int64)])
    func forgedLinksAreRefused(expires: String?, signature: String?, now: Int64) {
        let links = ShareLinks { $0 }
        #expect(!links.isValid(ClipID("c1"), expires: expires, signature: signature, now: WallTime(milliseconds: now)))
    }

    @Test func aLinkEndsWithItsTime() throws {
        let links = ShareLinks { $0 }
        let query = links.query(for: ClipID("c1"), expiry: WallTime(milliseconds: 60_000))
        let signature = String(query.drop { $0 != "&" }.dropFirst("&signature=".count))
        #expect(links.isValid(ClipID("c1"), expires: "60", signature: signature, now: WallTime(milliseconds: 59_999)))
        #expect(!links.isValid(ClipID("c1"), expires: "60", signature: signature, now: WallTime(milliseconds: 60_000)))
        #expect(!links.isValid(ClipID("c1"), expires: "61", signature: signature, now: WallTime(milliseconds: 0)))
    }
}

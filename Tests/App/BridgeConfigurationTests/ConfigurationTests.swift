import BridgeConfiguration
import BridgeModel
import Foundation
import Testing

struct ConfigurationTests {
    /// Loads with files from a table.
    static func load(
        yaml: String? = nil, environment: [String: String] = [:], set overrides: [String] = [], files: [String: String] = [:]
    ) throws(ConfigurationError) -> Settings {
        var files = files
        files["bridge.yaml"] = yaml
        let found = files
        return try Configuration(file: yaml.map { _ in "bridge.yaml" }, environment: environment, overrides: overrides) { path in
            guard let text = found[path] else { throw CocoaError(.fileReadNoSuchFile) }
            return text
        }.load()
    }

    @Test func nothingWrittenMeansTheDefaults() throws {
        #expect(try Self.load() == Settings())
        #expect(try Self.load(yaml: "") == Settings())
        #expect(try Self.load(yaml: "# only a comment\nhttp:\nturn: ~\n", environment: ["PATH": "/bin"]) == Settings())
    }

    @Test func laterSourcesWin() throws {
        let yaml = "http: {port: 1}"
        #expect(try Self.load(yaml: yaml).http.port == 1)
        #expect(try Self.load(yaml: yaml, environment: ["VIADUCT_HTTP_PORT": "2"]).http.port == 2)
        #expect(try Self.load(yaml: yaml, environment: ["VIADUCT_HTTP_PORT": "2"], set: ["http.port=3"]).http.port == 3)
        #expect(try Self.load(set: ["http.port=3", "http.port=4"]).http.port == 4, "of two options the last counts")
    }

    @Test func valuesOfEveryKindAreRead() throws {
        let settings = try Self.load(
            yaml: """
                http:
                  bind: "::1"
                  limits: {headers: 32KiB, idle-timeout: 1m30s}
                recording.trigger: session
                streams: {public: true}
                webhooks:
                  schedule: [500ms, 2h]
                  allow:
                    - hooks.example
                    - 10.0.0.7
                webrtc: {ports: 50000-50999}
                turn: {urls: "turn:a?transport=udp, turn:b", secret: '0123'}
                """)
        #expect(settings.http.bind == "::1")
        #expect(settings.http.headerBytes == 32_768)
        #expect(settings.http.idleTimeout == .seconds(90))
        #expect(settings.recording.trigger == .session)
        #expect(settings.streamsPublic)
        #expect(settings.webhooks.schedule == [.milliseconds(500), .seconds(7200)])
        #expect(settings.webhooks.allow == ["hooks.example", "10.0.0.7"])
        #expect(settings.webrtc.ports == 50_000...50_999)
        #expect(settings.turn.urls == ["turn:a?transport=udp", "turn:b"])
        #expect(settings.turn.secret.revealed == "0123", "a number in quotes stays the text it is")
    }

    @Test func environmentAndOptionsWriteListsWithCommas() throws {
        let settings = try Self.load(
            environment: ["VIADUCT_WEBHOOKS_SCHEDULE": "1s,2s", "VIADUCT_WEBHOOKS_ALLOW_PRIVATE": "true"], set: ["webrtc.addresses="])
        #expect(settings.webhooks.schedule == [.seconds(1), .seconds(2)])
        #expect(settings.webhooks.allowPrivate)
        #expect(settings.webrtc.addresses.isEmpty)
    }

    @Test(arguments: ["5s,30s", "5s, 30s", "[5s, 30s]", " [5s,30s] "]) func aListMayStandInBrackets(_ text: String) throws {
        let settings = try Configuration(overrides: ["webhooks.schedule=\(text)"]).load()
        #expect(settings.webhooks.schedule == [.seconds(5), .seconds(30)])
    }

    @Test func anOptionsValueMayHoldAnEqualsSign() throws {
        let settings = try Self.load(set: ["recording.destination=https://store.example/put?a=b=c"])
        #expect(settings.recording.destination.revealed == "https://store.example/put?a=b=c")
    }

    @Test func secretsComeFromFiles() throws {
        let files = ["/run/secrets/turn": "hush\n"]
        #expect(try Self.load(environment: ["VIADUCT_TURN_SECRET_FILE": "/run/secrets/turn"], files: files).turn.secret.revealed == "hush")
        #expect(try Self.load(yaml: "turn: {secret-file: /run/secrets/turn}", files: files).turn.secret.revealed == "hush")
        #expect(throws: ConfigurationError.unreadable(path: "/nowhere", reason: "there is no such file")) {
            try Self.load(set: ["turn.secret-file=/nowhere"])
        }
        #expect(throws: ConfigurationError.unknownKey("http.port-file", place: .commandLine, nearest: "http.port")) {
            try Self.load(set: ["http.port-file=/run/secrets/turn"])
        }
    }

    @Test func aFileThatCannotBeReadIsToldWithItsReason() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("configuration-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let binary = folder.appendingPathComponent("binary.yaml")
        try Data([0xFF, 0xC0, 0x80]).write(to: binary)
        let expected = [
            (folder.appendingPathComponent("absent.yaml").path, "there is no such file"), (binary.path, "it is no text in UTF-8"),
            (folder.path, "it is no file with text"),
        ]
        for (path, reason) in expected {
            #expect(throws: ConfigurationError.unreadable(path: path, reason: reason)) { try Configuration(file: path).load() }
        }
    }

    @Test func anUnknownKeyIsToldWithItsPlaceAndTheNearestOne() {
        let place = ConfigurationPlace.file(path: "bridge.yaml", line: 2)
        let error = ConfigurationError.unknownKey("http.prot", place: place, nearest: "http.port")
        #expect(throws: error) { try Self.load(yaml: "http:\n  prot: 80\n") }
        #expect(error.description == "bridge.yaml, line 2: there is no setting 'http.prot'; the nearest is 'http.port'.")
        let variable = "VIADUCT_HTTP_BNID"
        #expect(
            throws: ConfigurationError.unknownKey(variable, place: .environment(variable: variable), nearest: "VIADUCT_HTTP_BIND")
        ) { try Self.load(environment: [variable: "x"]) }
        #expect(throws: ConfigurationError.unknownKey("turn.sekret", place: .commandLine, nearest: "turn.secret")) {
            try Self.load(set: ["turn.sekret=x"])
        }
    }

    @Test func variablesThatAnOrchestratorSetsAreNoSettings() throws {
        let environment = [
            "VIADUCT_PORT": "tcp://10.0.0.1:80", "VIADUCT_PORT_8080_TCP_ADDR": "10.0.0.1", "VIADUCT_SERVICE_HOST": "10.0.0.1",
        ]
        #expect(try Self.load(environment: environment) == Settings())
    }

    @Test func wrongTypesSayWhatIsExpected() {
        let error = ConfigurationError.invalidValue(
            key: "http.port", place: .file(path: "bridge.yaml", line: 1), expected: "a whole number from 0 to 65535")
        #expect(throws: error) { try Self.load(yaml: "http: {port: eighty}") }
        #expect(error.description == "bridge.yaml, line 1: 'http.port' expects a whole number from 0 to 65535.")
    }

    @Test(arguments: [
        "http.port=-1", "http.port=65536", "http.port=80.5", "http.port=", "http.port=0x50", "http.bind=", "http.bind=a b",
        "http.public-base=bridge.example", "http.public-base=https://a/b", "http.public-base=https://", "http.public-base=https://u@h",
        "http.limits.headers=16", "http.limits.headers=16KB", "http.limits.headers=1B", "http.limits.headers=99999999999TiB",
        "http.limits.idle-timeout=10", "http.limits.idle-timeout=1.5s", "http.limits.idle-timeout=-5s", "http.limits.idle-timeout=5s1m",
        "http.limits.idle-timeout=9999999999999999d", "streams.public=yes", "streams.public=1", "recording.trigger=schedule",
        "recording.pre-roll=61s",
        "recording.fragment=2s", "recording.fragment=0s", "recording.destination=ftp://x", "recording.destination=relative",
        "webhooks.secret=hush", "webhooks.secret=whsec_AAAA", "webhooks.schedule=5s,soon", "webrtc.ports=10", "webrtc.ports=20-10",
        "webrtc.ports=0-10", "webrtc.ports=1-70000", "turn.urls=http://x", "turn.lifetime=1s", "log.level=loud", "http=8080",
    ])
    func valuesThatDoNotFitAreRefused(_ override: String) {
        let key = String(override.prefix { $0 != "=" })
        let error = #expect(throws: ConfigurationError.self) { try Self.load(set: [override]) }
        guard case .invalidValue(key, .commandLine, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        ("- a\n- b", 1), ("http: [", 2), ("http: {port: 1", 2), ("\"\\x\"", 1), ("http:\n  bind: a\n port: 1", 3), ("a: &x 1\nb: *y", 2),
        ("text", 1), ("http: {port: 1}\n---\nhttp: {port: 2}", 2), (String(repeating: "[", count: 5000), 1), ("http: {port: [{a: b}]}", 1),
        ("[a]: b", 1), ("a: {b: {c: {d: {e: {f: {g: {h: {i: {j: 1}}}}}}}}}", 1),
    ])
    func whatIsNoMappingOfSettingsIsToldWithItsLine(_ yaml: String, _ line: Int) {
        let error = #expect(throws: ConfigurationError.self) { try Self.load(yaml: yaml) }
        guard case .malformed(.file("bridge.yaml", line), _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: ["http: {port: 1, port: 2}", "http: {port: 1}\nhttp.port: 2", "turn: {secret: a, secret-file: f}"])
    func aKeyTwiceInAFileIsRefused(_ yaml: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.load(yaml: yaml, files: ["f": "b"]) }
        guard case .duplicateKey = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: ["http.tls.certificate=c.pem", "turn.urls=turn:a", "pipelines.maximum=1", "webhooks.previous-secret=\(secret)"])
    func valuesThatContradictEachOtherAreRefused(_ override: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.load(set: [override]) }
        guard case .contradiction = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    static let secret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

    @Test func errorsNeverShowTheValue() {
        let yaml = "turn:\n  secret: [hush-hush\n"
        for overrides in [["webhooks.secret=hush-hush"], ["hush-hush"], []] {
            let error = #expect(throws: ConfigurationError.self) { try Self.load(yaml: overrides.isEmpty ? yaml : nil, set: overrides) }
            #expect(error.map { !"\($0)".contains("hush-hush") } == true)
        }
    }
}

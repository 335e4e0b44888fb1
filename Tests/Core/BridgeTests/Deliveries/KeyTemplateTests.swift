import Bridge
import BridgeModel
import Testing

@Suite struct KeyTemplateTests {
    private func facts(
        camera: String = "gate-3", id: String = "0f0e8c1a-1111-4222-8333-123456789abc", segment: Int = 1, container: Container = .mp4
    ) -> KeyFacts {
        let context = SessionContext(
            session: SessionID("s1"), account: AccountID("acme"), client: ClientID("client-0"), stream: StreamID(camera),
            direction: .publish)
        return KeyFacts(
            context: context, recording: RecordingID(id), segment: segment, container: container,
            startedAt: WallTime(milliseconds: 1_709_283_601_120))  // 2024-03-01T09:00:01.120Z
    }

    @Test(arguments: [
        ("{camera}/{date}/{time}-{id}.mp4", "gate-3/2024-03-01/09-00-01-ID.mp4"),
        ("{camera}/{date}/{time}-{id}.{ext}", "gate-3/2024-03-01/09-00-01-ID.mp4"),
        ("{id}", "ID.mp4"), ("{id}.webm", "ID.mp4"), ("{id}.mkv", "ID.mp4"), ("{id}.avi", "ID.avi.mp4"),
        ("{year}/{month}/{day}/{hour}/{id}", "2024/03/01/09/ID.mp4"),
        ("{account} - {client}/{session}_{stream}+{segment}/{id}", "acme - client-0/s1_gate-3+1/ID.mp4"),
        ("Aufnahmen/Tür {camera}/{id}", "Aufnahmen/Tür gate-3/ID.mp4"), ("録画/{id}", "録画/ID.mp4"),
        ("a~b!(c)+d,e=f@g/{id}", "a~b!(c)+d,e=f@g/ID.mp4"), ("{ext}/{id}", "mp4/ID.mp4"),
    ])
    func aTemplateMakesAKey(template: String, key: String) throws {
        let expected = key.split(separator: "ID", omittingEmptySubsequences: false).joined(separator: facts().recording.rawValue)
        #expect(try KeyTemplate(parsing: template).key(for: facts()) == expected)
    }

    @Test(arguments: [
        "", "/", "//", "/{id}", "{id}/", "a//{id}", "../{id}", "{id}/..", "a/../{id}", "./{id}", "a/./{id}", ".../{id}", "..{id}", ".{id}",
        ".hidden/{id}", "a./{id}", "{id}.", "{id}..", "{id}/.mp4", ".mp4", "{camera}./{id}", " {id}", "{id} ", "a /{id}", "a/ b/{id}",
        "{id", "{", "}", "{id}}", "{{id}}", "{}", "{ id }", "{ID}", "{Id}", "{name}", "{id}{camera", "{id}{..}", "{id}{/}", "{id}{id/x}",
        "C:{id}", "C:\\{id}", "a\\{id}", "{id}\0", "\0{id}", "a\n{id}", "a\t{id}", "a\r{id}", "{id}\u{7F}", "{id}\u{1B}[0m", "{id}?x=1",
        "{id}#x", "{id}%2e", "%2e%2e/{id}", "{id}*", "a|{id}", "<{id}>", "\"{id}\"", "'{id}'", "`{id}`", "$HOME/{id}", "{id};rm", "a&b{id}",
        "{id}\u{202E}", "{id}\u{200B}", "{id}\u{FEFF}", "{id}\u{2028}", "\u{2024}\u{2024}/{id}", "\u{FF0F}{id}", "\u{2215}{id}",
        "{id}\u{E000}",
        "{camera}", "{date}/{time}", "fixed.mp4", "{camera}/{date}/{time}.mp4",
        String(repeating: "a", count: 513), String(repeating: "a", count: 200) + "{id}", String(repeating: "{id}", count: 4),
        String(repeating: "{camera}/", count: 7) + "{id}", String(repeating: "a/", count: 250) + "{id}", "~/\u{1F4F7}{id}",
    ])
    func aTemplateThatCouldDoHarmIsRefused(template: String) {
        #expect(throws: BridgeError.self) { try KeyTemplate(parsing: template) }
    }

    @Test func aRefusalSaysWhatIsWrong() throws {
        let shapes = [
            "../{id}": "dot", "a//{id}": "slash", "{camera}": "no {id}", "{nme}{id}": "camera, stream", "a\\{id}": "'\\'", "a\n{id}": "U+A",
        ]
        for (template, word) in shapes {
            let error = #expect(throws: BridgeError.self) { try KeyTemplate(parsing: template) }
            #expect(error?.message.contains(word) == true, "\(template): \(error?.message ?? "")")
            #expect(error?.code == .invalidField)
        }
    }

    @Test(arguments: [
        ("..", "__"), (".", "_"), ("", "_"), ("a/b", "a_b"), ("../../etc/passwd", "_._.._etc_passwd"), ("a\\b", "a_b"), ("C:", "C_"),
        ("\0", "_"), ("a\nb", "a_b"), (" a ", "_a_"), ("a.", "a_"), (".a", "_a"), ("Tür 3", "Tür_3"), ("{id}", "_id_"),
        ("%2e%2e", "_2e_2e"),
        ("a\u{202E}b", "a_b"), ("\u{1F4F7}", "_"), ("...", "_._"), ("/\u{301}", "__"), (".\u{345}x", "_\u{345}x"),
    ])
    func whatACameraIsCalledStaysInItsPart(camera: String, part: String) throws {
        let key = try KeyTemplate(parsing: "{camera}/{id}").key(for: facts(camera: camera, id: "i"))
        #expect(key.unicodeScalars.elementsEqual("\(part)/i.mp4".unicodeScalars), "\(key)")
    }

    @Test func recordingsAndSegmentsNeverShareAKey() throws {
        for template in ["{id}", "{camera}/{date}/{time}-{id}.mp4", "{segment}/{id}", "x{id}{segment}"] {
            let template = try KeyTemplate(parsing: template)
            var keys: Set<String> = []
            for id in ["0f0e8c1a-1111-4222-8333-123456789abc", "0f0e8c1a-1111-4222-8333-123456789abd"] {
                for segment in 1...12 { keys.insert(template.key(for: facts(id: id, segment: segment))) }
            }
            #expect(keys.count == 24, "\(template.text)")
        }
    }

    @Test func aKeyFitsWhateverTheValuesAre() throws {
        let long = String(repeating: "ü/", count: 5000)
        let template = try KeyTemplate(parsing: "{camera}-{id}/{account}{segment}/{session}")
        let key = template.key(for: facts(camera: long, id: long, segment: .max))
        #expect(key.utf8.count <= 480)
        #expect(key.split(separator: "/").count == 3)
        #expect(key.split(separator: "/").allSatisfy { $0.utf8.count <= 200 })
    }

    @Test(arguments: [Int64.min, -62_167_219_200_000_000, 0, .max])
    func anyMomentMakesAKey(nanoseconds: Int64) throws {
        var facts = facts()
        facts.startedAt = WallTime(nanoseconds: nanoseconds)
        let key = try KeyTemplate(parsing: "{date}/{time}/{year}{month}{day}{hour}/{id}").key(for: facts)
        #expect(key.split(separator: "/").map(\.utf8.count) == [10, 8, 10, 40], "\(key)")
    }

    /// Mutants of good and bad templates, and hostile values: every key is a path below its folder.
    @Test func noTemplateClimbsOut() {
        var generator = SeededGenerator(seed: 44)
        let alphabet = Array("{}/.. idcamerext-\\\0\u{301}\u{345}ü%".unicodeScalars)
        let names = ["..", "/", ".\u{345}", "a/../..", "\u{301}", String(repeating: ".", count: 99)]
        var accepted = 0
        for _ in 0..<20_000 {
            var text = Array("{camera}/{date}/{time}-{id}.mp4".unicodeScalars)
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                let place = Int.random(in: 0..<text.count, using: &generator)
                let scalar = alphabet.randomElement(using: &generator) ?? "."
                if Bool.random(using: &generator) { text[place] = scalar } else { text.insert(scalar, at: place) }
            }
            guard let template = try? KeyTemplate(parsing: String(String.UnicodeScalarView(text))) else { continue }
            accepted += 1
            let key = template.key(for: facts(camera: names.randomElement(using: &generator) ?? ""))
            #expect(isBelowItsFolder(key), "\(template.text) -> \(key)")
        }
        #expect(accepted > 1000)
    }

    private func isBelowItsFolder(_ key: String) -> Bool {
        let parts = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            (1...200).contains(part.count) && part.first != UInt8(ascii: ".") && part.last != UInt8(ascii: ".")
                && part.allSatisfy { $0 >= 0x20 }
        }
    }
}

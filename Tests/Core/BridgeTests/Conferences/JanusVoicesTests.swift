import Bridge
import BridgeModel
import Testing

/// Who is heard of a Janus room.
@Suite struct JanusVoicesTests {
    private static let wall = WallTime(milliseconds: 1_700_000_000_000)
    private static let now = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let offer = #"v=0\r\nm=audio 9 RTP/SAVPF 111\r\na=candidate:1 1 udp 1 198.51.100.7 9 typ host\r\n"#

    private static func event(_ data: String, sender: Int = 34, sdp: String? = nil) -> String {
        let jsep = sdp.map { #","jsep":{"type":"offer","sdp":"\#($0)"}"# } ?? ""
        return #"{"janus":"event","sender":\#(sender),"plugindata":{"data":\#(data)}\#(jsep)}"#
    }

    private static func publishers(_ entries: String...) -> String {
        event(#"{"videoroom":"event","publishers":[\#(entries.joined(separator: ","))]}"#)
    }

    private static func publisher(_ id: String, mid: String = "0", more: String = "") -> String {
        #"{"id":\#(id),"streams":[{"type":"video","mid":"9"},{"type":"audio","codec":"opus","mid":"\#(mid)"\#(more)}]}"#
    }

    private func content(_ text: String) throws -> JanusMessage.Content {
        try #require(try JanusMessage.read(Array(text.utf8)).first).content
    }

    private func event(_ text: String) throws -> JanusEvent {
        guard case .event(let event) = try content(text) else { throw TestFailure(text) }
        return event
    }

    /// Two others, of whom the first is offered on handle 50.
    private func offered() throws -> JanusVoices {
        var voices = JanusVoices()
        _ = voices.hear(try event(Self.publishers(Self.publisher("5"), Self.publisher("6"))))
        #expect(voices.attached(1, handle: 50) == [.ask(.join(1, handle: 50, feed: .number(5), mid: "0", privateID: nil))])
        let effects = voices.hear(try content(Self.event(#"{"videoroom":"attached"}"#, sender: 50, sdp: Self.offer)), of: 50, now: Self.now)
        guard effects.count == 1, case .offered(1, let sdp) = effects[0] else { throw TestFailure("\(effects)") }
        #expect(sdp.contains("a=candidate:1 1 udp"))
        return voices
    }

    @Test func othersAreHeardAndWeAreNot() throws {
        var voices = JanusVoices()
        let joined = #"{"videoroom":"joined","id":7,"private_id":99,"publishers":[\#(Self.publisher("7")),\#(Self.publisher(#""Ann""#))]}"#
        #expect(voices.hear(try event(Self.event(joined))) == [.ask(.attach(1))])
        #expect(voices.attached(1, handle: 50) == [.ask(.join(1, handle: 50, feed: .name("Ann"), mid: "0", privateID: 99))])
        // A server with `full_trickle`.
        let bare = Self.event(#"{"videoroom":"attached"}"#, sender: 50, sdp: #"v=0\r\nm=audio 9 RTP/SAVPF 111\r\n"#)
        #expect(voices.hear(try content(bare), of: 50, now: Self.now) == [])
        #expect(voices.hear(.candidate("candidate:5 1 udp 1 198.51.100.7 9 typ host"), of: 50, now: Self.now) == [])
        let sdp = "v=0\r\nm=audio 9 RTP/SAVPF 111\r\na=candidate:5 1 udp 1 198.51.100.7 9 typ host\r\na=end-of-candidates\r\n"
        #expect(voices.hear(.candidate(nil), of: 50, now: Self.now) == [.offered(1, sdp: sdp)])
        #expect(voices.answered(1, sdp: "v=0") == [.ask(.start(1, handle: 50, sdp: "v=0"))])
        #expect(voices.answered(1, sdp: "v=0") == [] && voices.answered(8, sdp: "v=0") == [], "once, and for those that there are")
    }

    @Test func whoGoesIsNotHeardAnyMore() throws {
        for word in ["unpublished", "leaving"] {
            var voices = try offered()
            let gone = Self.event(#"{"videoroom":"event","\#(word)":5}"#)
            #expect(voices.hear(try event(gone)) == [.ask(.detach(handle: 50)), .ended(1)])
            #expect(voices.hear(try event(gone)) == [])
            // The second one's handle was being made: it is given back.
            #expect(voices.hear(try event(Self.event(#"{"videoroom":"event","\#(word)":6}"#))) == [.ended(2)])
            #expect(voices.attached(2, handle: 60) == [.ask(.detach(handle: 60))])
        }
    }

    @Test func whoSendsNoSoundThatIsUnderstoodIsNotHeard() throws {
        for streams in [
            "", #","streams":[]"#, #","streams":[{"type":"video","mid":"0"}]"#, #","streams":[{"type":"audio","codec":"g722","mid":"0"}]"#,
        ] {
            var voices = JanusVoices()
            #expect(voices.hear(try event(Self.publishers(#"{"id":5\#(streams)}"#))) == [])
            #expect(voices.hear(try event(Self.publishers(Self.publisher("5", more: #","disabled":true"#)))) == [])
            #expect(voices.hear(try event(Self.publishers(Self.publisher("5")))) == [.ask(.attach(1))])
        }
    }

    @Test func soundThatMovesIsSubscribedAnew() throws {
        var voices = try offered()
        #expect(voices.hear(try event(Self.publishers(Self.publisher("5")))) == [])
        #expect(
            voices.hear(try event(Self.publishers(Self.publisher("5", mid: "2")))) == [
                .ask(.detach(handle: 50)), .ended(1), .ask(.attach(3)),
            ])
        #expect(voices.attached(3, handle: 70) == [.ask(.join(3, handle: 70, feed: .number(5), mid: "2", privateID: nil))])
        voices = try offered()
        _ = voices.answered(1, sdp: "v=0")
        let updated = try content(Self.event(#"{"videoroom":"updated"}"#, sender: 50, sdp: Self.offer))
        #expect(voices.hear(updated, of: 50, now: Self.now) == [.ask(.detach(handle: 50)), .ended(1), .ask(.attach(3))])
    }

    @Test func whatFailsIsTriedAgainAfterPausesThatDouble() throws {
        let ends: [JanusMessage.Content] = [
            .hangup, .detached, .failure(code: 1), try content(Self.event(#"{"videoroom":"event","error_code":428}"#, sender: 50)),
        ]
        for end in ends {
            var (voices, now) = (JanusVoices(), Self.now)
            _ = voices.hear(try event(Self.publishers(Self.publisher("5"))))
            for (number, pause) in zip(VoiceNumber(1)..., [1, 2, 4, 8, 16, 32, 60, 60]) {
                _ = voices.attached(number, handle: 50)
                #expect(voices.hear(end, of: 50, now: now) == [.ask(.detach(handle: 50)), .ended(number)])
                let next = now.advanced(by: .seconds(pause))
                #expect(voices.deadline == next && voices.expire(now: next.advanced(by: .nanoseconds(-1))) == [])
                now = next
                #expect(voices.expire(now: now) == [.ask(.attach(number + 1))] && voices.deadline == nil)
            }
            #expect(voices.lost(9, now: now) == [.ended(9)] && voices.lost(9, now: now) == [])
            // Announced again, or heard in between, they are tried as if nothing had been.
            #expect(voices.hear(try event(Self.publishers(Self.publisher("5")))) == [.ask(.attach(10))])
            voices.connected(10)
            #expect(voices.lost(10, now: now) == [.ended(10)] && voices.deadline == now.advanced(by: .seconds(1)))
        }
    }

    @Test func whoGetsNoOfferOrNoTransportIsTriedAgain() throws {
        var voices = JanusVoices()
        _ = voices.hear(try event(Self.publishers(Self.publisher("5"))))
        _ = voices.attached(1, handle: 50)
        #expect(voices.taken(1, now: Self.now) == [])
        var end = Self.now.advanced(by: JanusVoices.patience)
        #expect(voices.deadline == end && voices.expire(now: end) == [.ask(.detach(handle: 50)), .ended(1)])
        end = end.advanced(by: .seconds(1))
        #expect(voices.expire(now: end) == [.ask(.attach(2))])
        // A handle that is none.
        #expect(voices.taken(2, now: end) == [.ended(2)])
        end = end.advanced(by: .seconds(2))
        #expect(voices.expire(now: end) == [.ask(.attach(3))])
        _ = voices.attached(3, handle: 60)
        _ = voices.hear(try content(Self.event("{}", sender: 60, sdp: Self.offer)), of: 60, now: end)
        #expect(voices.deadline == nil, "nobody here may be listening")
        _ = voices.answered(3, sdp: "v=0")
        _ = voices.taken(3, now: end)
        #expect(voices.deadline == end.advanced(by: JanusVoices.patience))
        voices.connected(3)
        _ = voices.taken(3, now: end)
        #expect(voices.deadline == nil && voices.expire(now: end.advanced(by: .seconds(600))) == [])
    }

    @Test func whoRestsHasNoPlace() throws {
        var voices = JanusVoices()
        for id in 1...20 { _ = voices.hear(try event(Self.publishers(Self.publisher("\(id)")))) }
        #expect(voices.lost(1, now: Self.now) == [.ended(1), .ask(.attach(17))])
        #expect(voices.expire(now: Self.now.advanced(by: .seconds(1))) == [], "there is no room")
        #expect(voices.lost(17, now: Self.now) == [.ended(17), .ask(.attach(18))])
    }

    @Test func aNewListenerIsOfferedAllOfThem() throws {
        var voices = try offered()
        #expect(
            voices.restart() == [.ask(.detach(handle: 50)), .ended(1), .ended(2), .ask(.attach(3)), .ask(.attach(4))])
    }

    @Test func soManyAreHeardAtOnceAndTheOthersWhenThereIsRoom() throws {
        var voices = JanusVoices()
        for id in 1...20 {
            let effects = voices.hear(try event(Self.publishers(Self.publisher("\(id)"))))
            #expect(effects == (id <= JanusVoices.most ? [.ask(.attach(VoiceNumber(id)))] : []))
        }
        let gone = Self.event(#"{"videoroom":"event","leaving":3}"#)
        #expect(voices.hear(try event(gone)) == [.ended(3), .ask(.attach(17))])
        #expect(voices.attached(17, handle: 9) == [.ask(.join(17, handle: 9, feed: .number(17), mid: "0", privateID: nil))])
    }

    /// Whatever comes in whatever order: a voice is offered at most once, and ended at most once, each handle is given back once, and nobody is heard twice.
    @Test(arguments: 0..<100) func handlesAreGivenBackWhateverComes(seed: UInt64) throws {
        var dice = SeededGenerator(seed: seed)
        var voices = JanusVoices()
        var (asked, ended, offered): (Set<VoiceNumber>, Set<VoiceNumber>, Set<VoiceNumber>) = ([], [], [])
        var (handles, detached, last): (Set<Int>, Set<Int>, Int) = ([], [], 100)
        func check(_ effects: [JanusVoices.Effect]) {
            for effect in effects {
                switch effect {
                case .ask(.attach(let number)): #expect(asked.insert(number).inserted)
                case .ask(.detach(let handle)): #expect(handles.contains(handle) && detached.insert(handle).inserted)
                case .ask(.join(_, let handle, _, _, _)), .ask(.start(_, let handle, _)): #expect(!detached.contains(handle))
                case .offered(let number, _): #expect(offered.insert(number).inserted && !ended.contains(number))
                case .ended(let number): #expect(ended.insert(number).inserted && asked.contains(number))
                }
            }
            #expect(asked.count - ended.count <= JanusVoices.most)
        }
        for step in 0..<400 {
            let now = Self.now.advanced(by: .milliseconds(step * 100))
            let feed = Int.random(in: 1...24, using: &dice)
            let number = asked.randomElement(using: &dice) ?? 1
            let handle = handles.randomElement(using: &dice) ?? 1
            switch Int.random(in: 0..<11, using: &dice) {
            case 0, 1: check(voices.hear(try event(Self.publishers(Self.publisher("\(feed)", mid: "\(feed % 2)")))))
            case 2: check(voices.hear(try event(Self.event(#"{"videoroom":"event","leaving":\#(feed)}"#))))
            case 3, 4:
                last += 1
                handles.insert(last)
                check(voices.attached(number, handle: last))
            case 5: check(voices.hear(try content(Self.event("{}", sender: handle, sdp: Self.offer)), of: handle, now: now))
            case 6: check(voices.answered(number, sdp: "v=0"))
            case 7: check(voices.lost(number, now: now))
            case 8: check(voices.taken(number, now: now))
            case 9: check(voices.expire(now: now))
            default: check(seed % 2 == 0 ? voices.restart() : voices.hear(.hangup, of: handle, now: now))
            }
        }
        let left = handles.subtracting(detached)
        #expect(left.count <= JanusVoices.most)
    }

    @Test func othersAreAskedForBesideThePolls() throws {
        var target = JanusTarget(
            url: try DeliveryURL(parsing: Redacted("https://meet.example/janus"), rules: AddressRules()), room: .number(7))
        (target.pin, target.apiSecret, target.returnStream) = (Redacted("pin"), Redacted("secret"), StreamID("ears"))
        var exchange = JanusExchange(target, rules: AddressRules())
        _ = try exchange.join("v=0\r\n")
        let joined = #"{"videoroom":"joined","id":7,"private_id":99,"publishers":[\#(Self.publisher("5"))]}"#
        for text in [
            #"{"janus":"success","data":{"id":12}}"#, #"{"janus":"success","data":{"id":34}}"#, #"{"janus":"ack"}"#, Self.event(joined),
        ] {
            _ = try exchange.take(OutgoingReply(status: 200, body: Array(text.utf8)), now: Self.now, wall: Self.wall)
        }
        guard case .ask(let attach, of: 1)? = try exchange.takeVoiceSteps().only else { throw TestFailure("no handle is asked for") }
        #expect(attach.url.target.revealed == "/janus/12" && exchange.hearsOthers)
        exchange.take(OutgoingReply(status: 200, body: Array(#"{"janus":"success","data":{"id":50}}"#.utf8)), of: 1, now: Self.now)
        guard case .ask(let join, of: 1)? = try exchange.takeVoiceSteps().only else { throw TestFailure("nobody is subscribed to") }
        #expect(join.url.target.revealed == "/janus/12/50")
        #expect(
            try JSONValue.read(join.body)["body"] == [
                "request": "join", "ptype": "subscriber", "room": 7, "autoupdate": false, "streams": [["feed": 5, "mid": "0"]],
                "private_id": 99, "pin": "pin",
            ])
        _ = try exchange.take(
            OutgoingReply(status: 200, body: Array(Self.event(#"{"videoroom":"attached"}"#, sender: 50, sdp: Self.offer).utf8)),
            now: Self.now, wall: Self.wall)
        guard case .offered(1, _)? = try exchange.takeVoiceSteps().only else { throw TestFailure("nothing is offered") }
        exchange.answered(1, sdp: "v=0 answer")
        guard case .ask(let start, of: 1)? = try exchange.takeVoiceSteps().only else { throw TestFailure("nothing is answered") }
        #expect(try JSONValue.read(start.body)["jsep"] == ["type": "answer", "sdp": "v=0 answer"])
        // A refusal of a handle is no end of the session.
        exchange.lost(1, now: Self.now)
        for number in VoiceNumber(2)...3 {
            _ = try exchange.takeVoiceSteps()
            let deadline = try #require(exchange.voicesDeadline)
            exchange.expireVoices(now: deadline)
            guard case .ask(_, of: number)? = try exchange.takeVoiceSteps().only else { throw TestFailure("nobody is tried again") }
            let refusal = OutgoingReply(status: 200, body: Array(#"{"janus":"error","error":{"code":461}}"#.utf8))
            exchange.take(number == 2 ? refusal : nil, of: number, now: deadline)
        }
        #expect(try exchange.takeVoiceSteps() == [.ended(3)])
        target.returnStream = nil
        #expect(!JanusExchange(target, rules: AddressRules()).hearsOthers)
    }
}

extension Array {
    /// The element of an array of one.
    fileprivate var only: Element? { count == 1 ? self[0] : nil }
}

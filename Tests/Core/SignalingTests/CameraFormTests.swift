import Bridge
import BridgeModel
import Signaling
import Testing

/// What cameras and the bridge say to each other: what is read, and how exactly what is not is refused.
@Suite struct CameraFormTests {
    private static let orders: [CameraOrder] = [
        .publish(greatestHeight: nil), .publish(greatestHeight: 720), .idle, .torch(true), .zoom(1), .zoom(2.5), .rotate(.none),
        .rotate(.threeQuarters), .mute(.audio, true), .mute(.video, false), .talk(nil), .talk(StreamID("mix")),
    ]

    @Test(arguments: orders) func anOrderIsReadAsItIsWritten(order: CameraOrder) throws {
        #expect(try CameraForm.order(in: CameraMessage.value(order)) == order)
        #expect(CameraForm.instruction(in: CameraMessage.order(7, order)) == .order(7, order))
    }

    @Test func whatAnAgentSaysIsReadAsItIsWritten() throws {
        let abilities = CameraAbilities(publishes: true, torch: true, greatestZoom: 4, rotates: true, mutes: [.audio, .video], talks: true)
        for one in [abilities, CameraAbilities()] { #expect(try CameraForm.message(in: CameraMessage.hello(one)) == .hello(one)) }
        #expect(try CameraForm.message(in: CameraMessage.done(3)) == .done(3))
        let long = BridgeError(.unavailable, String(repeating: "é", count: 400))
        guard case .refused(3, let error) = try CameraForm.message(in: CameraMessage.refused(3, long)) else {
            Issue.record("read as something else")
            return
        }
        #expect(error.code == .unavailable && error.message == "The camera says: " + String(repeating: "é", count: 250))
        // A code of another version is one of ours.
        let other: JSONValue = ["type": "refused", "data": ["number": 1, "code": "too_dark", "msg": "it is dark"]]
        #expect(try CameraForm.message(in: other) == .refused(1, BridgeError(.unavailable, "The camera says: it is dark")))
    }

    @Test func howACameraIsIsReadAsItIsWritten() throws {
        var health = CameraHealth()
        #expect(try CameraForm.message(in: CameraMessage.health(health)) == .health(health))
        (health.link, health.microphone) = ("backing_off", "away")
        (health.uptimeSeconds, health.machineUptimeSeconds, health.freeDiskMebibytes) = (0, 9_007_199_254_740_991, 512)
        (health.processor, health.memory, health.temperature) = (0, 1, -12.5)
        (health.frames, health.dropped, health.packets, health.keyframes, health.videoKilobits) = (1, 2, 3, 4, 2000)
        let frame = CameraMessage.health(health)
        #expect(try CameraForm.message(in: frame) == .health(health))
        #expect(frame["data"]?["cpu"] == 0 && frame["data"]?["temperature_c"] == .number(-12.5) && frame["data"]?["link"] == "backing_off")
        // What is unknown may be null, and what is new is left out.
        let other: JSONValue = ["type": "health", "data": ["cpu": nil, "link": "live", "humidity": 3]]
        var known = CameraHealth()
        known.link = "live"
        #expect(try CameraForm.message(in: other) == .health(known))
    }

    struct Bad: Sendable {
        var frame: JSONValue?
        var code: RTMError.Code
        var field: String?

        init(_ frame: JSONValue?, _ code: RTMError.Code, _ field: String? = nil) {
            (self.frame, self.code, self.field) = (frame, code, field)
        }

        init(_ type: String, _ data: JSONValue, _ code: RTMError.Code, _ field: String) {
            self.init(["type": .string(type), "data": data], code, "data." + field)
        }
    }

    private static let bad: [Bad] = [
        Bad(nil, .malformedJSON), Bad([], .malformedJSON), Bad("hello", .malformedJSON), Bad([:], .missingField, "type"),
        Bad(["type": 1, "data": [:]], .missingField, "type"), Bad(["type": "hello"], .missingField, "data"),
        Bad(["type": "hello", "data": []], .missingField, "data"), Bad(["type": "order", "data": [:]], .unknownType, "type"),
        Bad("hello", [:], .missingField, "abilities"), Bad("hello", ["abilities": true], .invalidField, "abilities"),
        Bad("hello", ["abilities": ["torch": 1]], .invalidField, "abilities.torch"),
        Bad("hello", ["abilities": ["zoom": .number(0.5)]], .invalidField, "abilities.zoom"),
        Bad("hello", ["abilities": ["zoom": 101]], .invalidField, "abilities.zoom"),
        Bad("hello", ["abilities": ["zoom": "4"]], .invalidField, "abilities.zoom"),
        Bad("hello", ["abilities": ["mute": ["smell"]]], .invalidField, "abilities.mute"),
        Bad("hello", ["abilities": ["mute": ["audio", "video", "audio"]]], .invalidField, "abilities.mute"),
        Bad("done", [:], .missingField, "number"), Bad("done", ["number": 0], .invalidField, "number"),
        Bad("done", ["number": .number(1.5)], .invalidField, "number"), Bad("done", ["number": "1"], .invalidField, "number"),
        Bad("refused", ["number": 1, "msg": "m"], .missingField, "code"), Bad("refused", ["number": 1, "code": "c"], .missingField, "msg"),
        Bad("refused", ["number": 1, "code": "c", "msg": "a\nb"], .invalidField, "msg"),
        Bad("refused", ["number": 1, "code": "c", "msg": ""], .invalidField, "msg"),
        Bad(["type": "health"], .missingField, "data"), Bad("health", ["link": ""], .invalidField, "link"),
        Bad("health", ["link": "on air"], .invalidField, "link"), Bad("health", ["link": true], .invalidField, "link"),
        Bad("health", ["microphone": .string(String(repeating: "a", count: 33))], .invalidField, "microphone"),
        Bad("health", ["cpu": .number(1.01)], .invalidField, "cpu"), Bad("health", ["cpu": "9%"], .invalidField, "cpu"),
        Bad("health", ["memory": .number(-0.1)], .invalidField, "memory"),
        Bad("health", ["temperature_c": 201], .invalidField, "temperature_c"),
        Bad("health", ["uptime_s": .number(1.5)], .invalidField, "uptime_s"), Bad("health", ["frames": -1], .invalidField, "frames"),
        Bad("health", ["machine_uptime_s": []], .invalidField, "machine_uptime_s"),
        Bad("health", ["disk_free_mib": .number(1e300)], .invalidField, "disk_free_mib"),
        Bad("health", ["dropped": "0"], .invalidField, "dropped"), Bad("health", ["packets": true], .invalidField, "packets"),
        Bad("health", ["keyframes": [:]], .invalidField, "keyframes"), Bad("health", ["video_kbit_s": -1], .invalidField, "video_kbit_s"),
    ]

    @Test(arguments: bad) func malformedFramesAreRefused(bad: Bad) {
        do throws(RTMFault) {
            Issue.record("read as \(try CameraForm.message(in: bad.frame))")
        } catch {
            #expect(error.error.code == bad.code && error.error.field == bad.field)
            #expect(error.isBadMessage == (bad.code != .unknownType))
        }
    }

    private static let badOrders: [(JSONValue, String)] = [
        ([:], "type"), (["type": "dance"], "type"), (["type": 1], "type"), (["type": "torch"], "on"), (["type": "torch", "on": 1], "on"),
        (["type": "zoom"], "factor"), (["type": "zoom", "factor": 0], "factor"), (["type": "zoom", "factor": "2"], "factor"),
        (["type": "rotate"], "degrees"), (["type": "rotate", "degrees": 45], "degrees"), (["type": "rotate", "degrees": 360], "degrees"),
        (["type": "mute", "muted": true], "kind"), (["type": "mute", "kind": "all", "muted": true], "kind"),
        (["type": "mute", "kind": "audio"], "muted"), (["type": "publish", "max_height": 0], "max_height"),
        (["type": "talk", "stream": ""], "stream"), (["type": "talk", "stream": 1], "stream"),
    ]

    @Test(arguments: badOrders) func malformedOrdersAreRefused(order: JSONValue, field: String) {
        #expect { try CameraForm.order(in: order) } throws: { ($0 as? RTMError)?.field == field }
        // An agent says so, when it knows of which order.
        guard case .unknown(5, let error)? = CameraForm.instruction(in: ["type": "order", "data": ["number": 5, "order": order]]) else {
            Issue.record("taken")
            return
        }
        #expect(error.code == .invalidField)
        #expect(CameraForm.instruction(in: ["type": "order", "data": ["order": order]]) == nil)
    }

    @Test(
        arguments: [
            (1000, false, .left), (1001, false, .left), (1005, false, .left), (4999, false, .left), (1006, false, .connectionLost),
            (1006, true, .connectionLost), (1013, true, .connectionLost), (4409, true, .connectionLost), (1001, true, .bridgeStopped),
            (1003, true, .protocolError), (1007, false, .protocolError), (1009, true, .protocolError), (4400, true, .protocolError),
            (4429, true, .protocolError),
        ] as [(UInt16, Bool, CameraEnd)]) func theEndOfASocketSaysWhyACameraIsGone(code: UInt16, isOurs: Bool, end: CameraEnd)
    {
        #expect(CameraEnd(closeCode: code, isOurs: isOurs) == end)
    }
}

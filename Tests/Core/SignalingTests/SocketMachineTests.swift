import BridgeModel
import Signaling
import Testing

@Suite struct SocketMachineTests {
    private static let start = MonotonicTime(nanoseconds: 5_000_000_000)
    private static let offer: JSONValue = ["sdp": ["type": "offer", "sdp": "v=0"]]

    private static func machine(_ path: RTMPath = .client) -> SocketMachine {
        SocketMachine(client: ClientID("client-0"), path: path, form: RTMForm(), limits: SocketLimits(), now: start)
    }

    private func at(_ milliseconds: Int) -> MonotonicTime { Self.start.advanced(by: .milliseconds(milliseconds)) }

    private func fault(_ body: () throws -> Void) -> RTMFault? {
        do {
            try body()
            return nil
        } catch { return error as? RTMFault }
    }

    // MARK: Binding

    @Test func anUnboundSocketMustNameItsSession() {
        let fault = fault { _ = try Self.machine().envelope(of: ["type": "session_stop"]) }
        #expect(fault?.error.code == .missingField)
        #expect(fault?.error.field == "session_id")
        #expect(fault?.inReplyTo == "session_stop")
    }

    @Test func aBoundSocketNeedNotNameItsSession() throws {
        var machine = Self.machine()
        machine.bind(to: SessionID("s"))
        #expect(try machine.envelope(of: ["type": "session_stop"]).session == SessionID("s"))
    }

    @Test func aBoundSocketMayNotNameAnotherSession() throws {
        var machine = Self.machine()
        machine.bind(to: SessionID("s"))
        let (envelope, named) = try machine.envelope(of: ["type": "session_stop", "session_id": "t"])
        let fault = fault { _ = try machine.request(in: envelope, of: named) }
        #expect(fault?.error.code == .sessionMismatch)
        #expect(fault?.close == .forbidden)
    }

    // MARK: Paths

    @Test(arguments: [
        (RTMPath.client, "session_start", RTMError.Code?.none, CloseCode?.none), (.native, "session_start", nil, nil),
        (.supervisor(monitored: SessionID("m")), "session_start", .wrongRole, nil),
        (.supervisor(monitored: SessionID("m")), "supervisor_join_session", nil, nil),
        (.supervisor(monitored: SessionID("n")), "supervisor_join_session", .sessionMismatch, .forbidden),
        (.client, "supervisor_join_session", .wrongRole, nil), (.native, "supervisor_join_session", .wrongRole, nil),
    ])
    func pathsAreOpenedByTheirOwnMessage(path: RTMPath, type: String, code: RTMError.Code?, close: CloseCode?) throws {
        let machine = Self.machine(path)
        let data: JSONValue = ["sdp": ["type": "offer", "sdp": "v=0"], "session_id_to_monitor": "m"]
        let (envelope, named) = try machine.envelope(of: ["type": .string(type), "session_id": "s", "data": data])
        let fault = fault { _ = try machine.request(in: envelope, of: named) }
        #expect(fault?.error.code == code)
        #expect(fault?.close == close)
    }

    // MARK: Times, rates and bad messages

    @Test func theStartIsDueThirtySecondsAfterTheUpgrade() {
        var machine = Self.machine()
        #expect(machine.deadline == at(30_000))
        #expect(!machine.isLate(now: at(29_999)))
        #expect(machine.isLate(now: at(30_000)))
        machine.sessionWasStarted()
        #expect(!machine.isLate(now: at(60_000)))
    }

    @Test func aBurstOfAHundredIsAdmittedAndFiftyASecondAfterIt() {
        var rate = MessageRate(limits: SocketLimits(), now: Self.start)
        for _ in 0..<100 { #expect(rate.admit(now: at(0)) == .admitted) }
        #expect(rate.admit(now: at(0)) == .refused)
        #expect(rate.admit(now: at(19)) == .refused)
        #expect(rate.admit(now: at(20)) == .admitted)
        #expect(rate.admit(now: at(21)) == .refused)
    }

    @Test func theDocumentedRateIsNeverAFlood() {
        var rate = MessageRate(limits: SocketLimits(), now: Self.start)
        for message in 0..<3000 { #expect(rate.admit(now: at(message * 20)) == .admitted) }
    }

    @Test func twiceTheRateForFiveSecondsIsAFlood() throws {
        var machine = Self.machine()
        var closedAt: Int?
        for message in 0..<700 where closedAt == nil {
            let fault = fault { try machine.admit(now: at(message * 10 - message / 4)) }
            if fault?.close == .rateExceeded { closedAt = message }
        }
        let message = try #require(closedAt)
        #expect(message >= 499)
    }

    @Test func theTenthBadMessageInAMinuteClosesTheSocket() {
        var machine = Self.machine()
        let bad = RTMFault(RTMError(.malformedJSON, "no"), inReplyTo: nil, isBadMessage: true)
        let harmless = RTMFault(RTMError(.unknownType, "no"), inReplyTo: nil)
        for second in 0..<9 {
            #expect(machine.counted(bad, now: at(second * 1000)).close == nil)
            #expect(machine.counted(harmless, now: at(second * 1000)).close == nil)
        }
        #expect(machine.counted(bad, now: at(59_999)).close == .badMessages)
    }

    @Test func badMessagesAreForgottenAfterAMinute() {
        var machine = Self.machine()
        let bad = RTMFault(RTMError(.malformedJSON, "no"), inReplyTo: nil, isBadMessage: true)
        for message in 0..<200 { #expect(machine.counted(bad, now: at(message * 6_700)).close == nil) }
    }
}

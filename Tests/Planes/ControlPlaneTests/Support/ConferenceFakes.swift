import Bridge
import BridgeModel
import BridgeTesting
import Synchronization

/// Rows in memory.
final class MemoryConferences: ConferenceStore {
    let rows = Mutex<[ConferenceRow]>([])

    func conferences() async throws(BridgeError) -> [ConferenceRow] { rows.withLock { $0 } }
    func save(_ row: ConferenceRow) async throws(BridgeError) {
        rows.withLock { rows in
            rows.removeAll { $0.id == row.id }
            rows.append(row)
        }
    }
    func remove(_ id: ConferenceID) async throws(BridgeError) { rows.withLock { $0.removeAll { $0.id == id } } }
}

/// Somebody else's server: answers offers, or as it is told, and notes what it is asked.
final class ScriptedServer: OutgoingCalls {
    let asked = Journal<OutgoingCall>()
    let replies = Mutex<[Result<OutgoingReply, AttemptFault>]>([])
    let gate = Gate()

    var methods: [String] { asked.all.map { "\($0.method) \($0.url.target.revealed)" } }

    /// What OPTIONS brings.
    let links = Mutex<[Redacted<String>]>([])

    func call(_ call: OutgoingCall, within limit: Duration) async -> Result<OutgoingReply, AttemptFault> {
        if call.method == "OPTIONS" { return .success(OutgoingReply(status: 200, links: links.withLock { $0 })) }
        asked.note(call)
        await gate.pass()
        if let scripted = replies.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return scripted }
        guard call.method == "POST" else { return .success(OutgoingReply(status: 200)) }
        let answer = SampleOffer.answer(to: String(decoding: call.body, as: UTF8.self))
        let number = asked.all.count { $0.method == "POST" }
        return .success(
            OutgoingReply(
                status: 201, location: Redacted("/session/\(number)"), contentType: "application/sdp", body: Array(answer.utf8)))
    }
}

/// Every name has the address that the test says.
final class FakePlaces: PushPlaces {
    let answer = Mutex(Result<IPAddress, AttemptFault>.success(.v4(0xCB00_7109)))

    func address(of target: PushTarget) async -> Result<IPAddress, AttemptFault> { answer.withLock { $0 } }
}

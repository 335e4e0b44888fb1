import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Logging

/// Values that tests have in common.
enum Sample {
    static let vp8 = TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")
    static let opus = TrackDescription(index: 1, codec: .opus, payloadType: 111, channels: 2, mid: "1")
    static let h264 = TrackDescription(index: 0, codec: .h264, payloadType: 102, mid: "0")
    static let av1 = TrackDescription(index: 0, codec: .av1, payloadType: 45, mid: "0")

    static let identity = DTLSIdentity(
        pem: Redacted("pem"), fingerprint: Fingerprint(algorithm: "sha-256", value: "AB" + String(repeating: ":AB", count: 31)))

    static func context(
        _ session: String, account: String = "acme", client: String = "camera", stream: String? = nil,
        _ direction: SessionContext.Direction = .publish
    ) -> SessionContext {
        SessionContext(
            session: SessionID(session), account: AccountID(account), client: ClientID(client), stream: StreamID(stream ?? client),
            direction: direction)
    }

    static func stream(
        _ context: SessionContext = context("s1"), tracks: [TrackDescription] = [vp8, opus], peer: String = "p1", source: Int32 = 1_000_000
    ) -> LiveStream {
        LiveStream(context: context, tracks: tracks, peer: PeerID(peer), source: .child(MediaDescriptor(source)), since: TestClock.epoch)
    }

    /// A logger that nobody hears.
    static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}

/// Puts every event that names a URL into one webhook with its name as the body.
struct PlainTranslator: EventTranslator {
    func webhooks(for event: BridgeEvent, at: WallTime) -> [WebhookMessage] {
        let (word, url, context): (String, Redacted<String>?, SessionContext) =
            switch event {
            case .recordingDelivered(let row): ("delivered \(row.id)", row.webhookURL, row.context)
            case .recordingFailed(let row): ("failed \(row.id)", row.webhookURL, row.context)
            case .sessionEnded(let row): ("ended \(row.context.session) \(row.cause?.rawValue ?? "")", row.webhookURL, row.context)
            default: ("", nil, Sample.context("nobody"))
            }
        return url.map { [WebhookMessage(url: $0, body: word, account: context.account, session: context.session)] } ?? []
    }
}

/// Counts the bells.
final class FakeDelivery: DeliveryService {
    private let bells = Journal<Void>()
    var wakes: Int { bells.all.count }
    func wake() { bells.note(()) }
    func drain(limit: Duration) async -> Bool { true }
}

/// A session that remembers how it was ended.
final class FakeHandle: SessionHandle {
    private let journal = Journal<TerminationCause>()
    /// Holds its end up while it is closed.
    let gate = Gate()
    var causes: [TerminationCause] { journal.all }

    func end(_ cause: TerminationCause) async {
        await gate.pass()
        journal.note(cause)
    }
}

extension DeliveryRow {
    /// The body of a webhook, or the file of an upload.
    var words: String {
        switch work {
        case .webhook(_, let body): "webhook \(body)"
        case .upload(_, let file, _): "upload \(file)"
        }
    }
}

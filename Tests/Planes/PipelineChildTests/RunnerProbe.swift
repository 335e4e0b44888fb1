import Bridge
import BridgeModel
import GStreamerKit
import LinuxIO
import SecureTransport
import Synchronization

@testable import PipelineChild

/// Everything that a runner said, with a way to wait for a particular word.
final class EventLog: Sendable {
    private let events = Mutex<[PipelineEvent]>([])

    var sink: EventSink { EventSink { event in self.events.withLock { $0.append(event) } } }
    var all: [PipelineEvent] { events.withLock { $0 } }

    /// The first answer of `match`, or nil after `limit`.
    func first<Value>(within limit: Duration = .seconds(10), _ match: (PipelineEvent) -> Value?) async -> Value? {
        await eventually(within: limit) { self.all.lazy.compactMap(match).first }
    }

    var isConnected: Bool { all.contains(.connected) }

    var failure: BridgeError? {
        all.lazy.compactMap { event -> BridgeError? in
            guard case .failed(let error) = event else { return nil }
            return error
        }.first
    }
}

/// Asks again and again, since GStreamer lives in real time; the limit is far above what is needed.
func eventually<Value>(within limit: Duration = .seconds(10), _ answer: () async -> Value?) async -> Value? {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if let value = await answer() { return value }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return await answer()
}

/// The same for a condition.
func eventuallyTrue(within limit: Duration = .seconds(10), _ condition: () async -> Bool) async -> Bool {
    await eventually(within: limit) { await condition() ? true : nil } ?? false
}

extension DTLSIdentity {
    /// A fresh certificate.
    static func fresh() throws -> DTLSIdentity {
        let certificate = try Certificate.makeSelfSigned()
        return DTLSIdentity(
            pem: Redacted(certificate.pem),
            fingerprint: Fingerprint(algorithm: certificate.fingerprint.algorithm, value: certificate.fingerprint.value))
    }
}

extension IceSettings {
    static let loopback = IceSettings(addresses: ["127.0.0.1"])
}

/// GStreamer, initialised once. The allow-list is left to the tests with real children: it would hold for the whole test process.
enum TestGStreamer {
    static let ready: Void = {
        do {
            try GStreamer.initialise()
        } catch {
            preconditionFailure("GStreamer: \(error)")
        }
    }()
}

extension RunnerContext {
    /// For a runner in this process, which takes over the sockets' descriptors.
    init(descriptors: [Int32], events: EventSink, loop: GLibLoop) {
        self.init(media: descriptors.map(DatagramSocket.init(descriptor:)), events: events, loop: loop)
    }
}

import Bridge
import BridgeModel
import BridgeTesting
import Synchronization

/// A hub that only remembers what it was told.
final class FakeHub: MediaHub {
    enum Call: Equatable {
        case publish(StreamID, tracks: [TrackDescription], sources: [MediaDescriptor])
        case unpublish(StreamID, source: StreamSource)
        case subscribe(PipelineID, to: StreamID, tracks: [UInt8], sinks: [MediaDescriptor], SubscriptionTiming)
        case unsubscribe(PipelineID)
        case requestKeyframe(StreamID, track: UInt8)
        case keepPreRoll(StreamID, Duration)
    }

    private let journal = Journal<Call>()
    private let figures: Mutex<HubTotals>
    private let encodings = Mutex<[EncodingStatistics]>([])

    /// What the first track of any stream is sent as.
    func send(_ encodings: [EncodingStatistics]) { self.encodings.withLock { $0 = encodings } }

    init(totals: HubTotals = HubTotals()) { figures = Mutex(totals) }

    var calls: [Call] { journal.all }

    func publish(_ stream: StreamID, tracks: [TrackDescription], sources: [MediaDescriptor]) {
        journal.note(.publish(stream, tracks: tracks, sources: sources))
    }

    func unpublish(_ stream: StreamID, source: StreamSource) { journal.note(.unpublish(stream, source: source)) }

    func subscribe(
        _ subscriber: PipelineID, to stream: StreamID, tracks: [UInt8], sinks: [MediaDescriptor], timing: SubscriptionTiming
    ) {
        journal.note(.subscribe(subscriber, to: stream, tracks: tracks, sinks: sinks, timing))
    }

    func unsubscribe(_ subscriber: PipelineID) { journal.note(.unsubscribe(subscriber)) }

    func requestKeyframe(of stream: StreamID, track: UInt8) { journal.note(.requestKeyframe(stream, track: track)) }

    func keepPreRoll(_ length: Duration, of stream: StreamID) { journal.note(.keepPreRoll(stream, length)) }

    func statistics(of stream: StreamID) async -> StreamStatistics? {
        looks.withLock { $0 += 1 }
        var track = TrackStatistics(packets: 7)
        track.encodings = encodings.withLock(\.self)
        return StreamStatistics(tracks: [track], subscribers: audience.withLock { $0[stream] } ?? stream.rawValue.count)
    }

    /// How often somebody asked for a stream's statistics.
    let looks = Mutex(0)

    /// How many take a stream, where a test says so.
    let audience = Mutex<[StreamID: Int]>([:])

    func totals() async -> HubTotals { figures.withLock { $0 } }
}

internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// The picture over a composite's colour and under all else, as the newest scene says. What is shown stays until the next one is decoded, and when that
/// cannot be: a picture that is broken costs nothing but itself.
final class CompositeBackground: Sendable {
    /// A picture of the largest size takes a second or two of a busy machine.
    private static let patience: UInt64 = 15_000_000_000

    private struct State {
        /// What is shown, or is to be.
        var wanted: CompositeScene.Image?
        /// Decodes it; nil when that is over.
        var picture: BackgroundPicture?
        var since: UInt64 = 0
        var lane: PictureLane?
        var hasPicture = false
    }

    private let width: Int
    private let height: Int
    private let compositor: Element
    private let pipeline: Pipeline
    private let tell: EventSink
    private let state = Mutex(State())

    /// Under the places on `compositor`; nothing is shown yet.
    init(_ plan: CompositePlan, compositor: Element, pipeline: Pipeline, tell: EventSink) {
        (width, height) = (plan.width, plan.height)
        (self.compositor, self.pipeline, self.tell) = (compositor, pipeline, tell)
    }

    /// Shows this one as soon as it is decoded; nil: the colour, at once. On the loop.
    func show(_ image: CompositeScene.Image?) throws(GStreamerError) {
        guard state.withLock({ $0.wanted }) != image else { return }
        guard let image else { return end() }
        var lane = state.withLock { $0.lane }
        if lane == nil {
            let whole = CompositeCell(x: 0, y: 0, width: width, height: height, fit: .cover)
            let new = try PictureLane(whole, compositor: compositor, pipeline: pipeline)
            try new.lower()
            lane = new
        }
        let picture = BackgroundPicture(image.name, width: width, height: height) { [weak self] in self?.take($0, of: image) }
        state.withLock { state in
            (state.wanted, state.picture, state.lane) = (image, picture, lane)
            state.since = SystemClocks.monotonicNanoseconds
        }
        picture.begin(image.path)
    }

    /// On any thread.
    private func take(_ result: BackgroundPicture.Result, of image: CompositeScene.Image) {
        let lane = state.withLock { state -> PictureLane? in
            guard state.wanted == image else { return nil }
            state.picture = nil
            if case .success = result { state.hasPicture = true }
            return state.lane
        }
        guard let lane else { return }
        switch result {
        case .success(let picture):
            lane.stay(with: picture)
            tell(.background(image, nil))
        case .failure(let error): tell(.background(image, error))
        }
    }

    /// Gives up what takes too long; from time to time, on the loop.
    func look() {
        let now = SystemClocks.monotonicNanoseconds
        state.withLock { $0.since + Self.patience < now ? $0.picture : nil }?.giveUp()
        // Of a picture that could not be decoded.
        let useless = state.withLock { state -> PictureLane? in
            guard state.picture == nil, !state.hasPicture else { return nil }
            defer { state.lane = nil }
            return state.lane
        }
        useless?.leave(compositor, pipeline)
    }

    /// On the loop.
    func end() {
        let former = state.withLock { state in
            defer { state = State() }
            return state
        }
        former.lane?.leave(compositor, pipeline)
    }
}

internal import Bridge
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// One place of the composite: what is seen there, over the background. Pictures come on decoders' threads, places on the loop.
final class PictureLane: Sendable {
    /// What the compositor's pads are numbered by, beside those of a cell's `z`: the background's colour is 0.
    private enum Layer {
        static let background = 1
        static func picture(_ cell: CompositeCell) -> Int { 2 + 2 * cell.z }
        static func label(_ cell: CompositeCell) -> Int { 3 + 2 * cell.z }
    }

    /// An input that sends no more keeps its last picture for so long, ns.
    private static let patience: UInt64 = 2_000_000_000
    /// Pictures that wait for the compositor.
    private static let limit = 8

    /// Begins to draw; what is drawn is delivered once, perhaps before it returns.
    typealias Drawing = (StillPicture, @escaping @Sendable (RawPicture) -> Void) throws(GStreamerError) -> Pipeline

    private struct State {
        var cell: CompositeCell
        var caps = ""
        /// Of the newest picture of the input, ns; nil before the first.
        var lastPictureAt: UInt64?
        var showsPlaceholder = false
        /// The input's pictures are not to be seen.
        var isCovered = false
        /// What was drawn last, and the pipeline that draws it.
        var placeholder: (still: StillPicture, drawing: Pipeline)?
    }

    let source: AppSource
    let pad: Pad
    private let state: Mutex<State>
    private let weakPipeline: WeakPipeline

    /// Takes a place on `compositor`; on the loop.
    init(_ cell: CompositeCell, compositor: Element, pipeline: Pipeline) throws(GStreamerError) {
        source = try AppSource(
            caps: Caps("video/x-raw,format=I420,width=2,height=2,framerate=0/1,pixel-aspect-ratio=1/1"), limit: Self.limit, bufferSize: 1)
        try source.waitsForMixer()
        weakPipeline = WeakPipeline(pipeline)
        state = Mutex(State(cell: cell))
        try pipeline.add(source.element)
        pad = try compositor.requestPad("sink_%u")
        try place(pad, cell, layer: Layer.picture(cell))
        try source.element.pad("src").link(to: pad)
        try source.element.syncStateWithParent()
    }

    /// Gives the place up; the compositor lets go first, so that no thread waits for it.
    func leave(_ compositor: Element, _ pipeline: Pipeline) {
        compositor.release(pad)
        try? source.element.setState(.null)
        pipeline.remove(source.element)
        endDrawing()
    }

    /// Moves to another cell; on the loop.
    func move(to cell: CompositeCell) throws(GStreamerError) {
        guard state.withLock({ $0.cell }) != cell else { return }
        state.withLock { $0.cell = cell }
        try place(pad, cell, layer: Layer.picture(cell))
    }

    private func place(_ pad: Pad, _ cell: CompositeCell, layer: Int) throws(GStreamerError) {
        try pad.set(["xpos": String(cell.x), "ypos": String(cell.y), "width": String(cell.width), "height": String(cell.height)])
        try pad.set(["zorder": String(layer), "sizing-policy": cell.fit == .contain ? "keep-aspect-ratio" : "none"])
    }

    // MARK: pictures

    /// Whether the input's pictures are seen from now on.
    func cover(_ isCovered: Bool) { state.withLock { $0.isCovered = isCovered } }

    /// A picture of the input; on its decoder's thread.
    func show(_ picture: RawPicture) {
        guard let cell = state.withLock({ $0.isCovered ? nil : $0.cell }) else { return }
        let part = cell.visiblePart(ofWidth: picture.width, height: picture.height)
        guard let cut = PictureCut.cut(part, from: picture) else { return }
        push(cut, time: picture.time) { state in
            // It may have been covered while it was cut.
            guard !state.isCovered else { return false }
            state.lastPictureAt = SystemClocks.monotonicNanoseconds
            state.showsPlaceholder = false
            return true
        }
    }

    /// Shows `still` in place of an input that sends nothing, or has not for a while; on the loop, from time to time. `draw` begins to draw it, as
    /// `StillPicture.draw` does.
    func cover(with still: StillPicture, draw: Drawing = { still, deliver throws(GStreamerError) in try still.draw(deliver: deliver) }) {
        let now = SystemClocks.monotonicNanoseconds
        let isDue = state.withLock { state in
            if !state.isCovered, let last = state.lastPictureAt, now < last + Self.patience { return false }
            guard !state.showsPlaceholder || state.placeholder?.still != still else { return false }
            // Before it is drawn: the drawing's thread may be the faster one.
            state.showsPlaceholder = true
            return true
        }
        guard isDue else { return }
        endDrawing()
        do throws(GStreamerError) {
            let drawing = try draw(still) { [weak self] in self?.show(placeholder: $0) }
            state.withLock { $0.placeholder = (still, drawing) }
        } catch {
            state.withLock { $0.showsPlaceholder = false }
        }
    }

    private func show(placeholder: RawPicture) {
        // The input may have come back while it was drawn.
        let isTaken = push(placeholder, time: SystemClocks.monotonicNanoseconds) { $0.showsPlaceholder }
        // It is drawn again when the queue has room.
        if !isTaken { state.withLock { $0.showsPlaceholder = false } }
    }

    private func endDrawing() {
        let drawing = state.withLock { state in
            defer { state.placeholder = nil }
            return state.placeholder?.drawing
        }
        try? drawing?.setState(.null)
        drawing?.detachBus()
    }

    /// Queues the picture if it is still wanted then; false when it is not, or cannot be queued.
    @discardableResult
    private func push(_ picture: RawPicture, time: UInt64, isWanted: (inout State) -> Bool = { _ in true }) -> Bool {
        guard let base = weakPipeline.value?.element.baseTime?.nanoseconds else { return false }
        return state.withLock { state in
            guard isWanted(&state) else { return false }
            if state.caps != picture.caps, let caps = try? Caps(picture.caps) {
                source.change(to: caps)
                state.caps = picture.caps
            }
            let running = ClockTime(nanoseconds: time > base ? time - base : 0)
            return picture.bytes.withUnsafeBytes { source.push($0, time: running) } == .accepted
        }
    }
}

extension PictureLane {
    /// A name over the lower edge of a cell: a lane of its own above the picture's.
    static func label(of cell: CompositeCell) -> CompositeCell {
        let height = min(cell.height / 2, max(14, cell.width * 36 / 640)) & ~1
        return CompositeCell(
            x: cell.x, y: cell.y + cell.height - height, width: cell.width, height: max(2, height), z: cell.z, fit: .contain)
    }

    /// Puts the lane above pictures of its cell.
    func raise() throws(GStreamerError) {
        let cell = state.withLock { $0.cell }
        try pad.set(["zorder": String(Layer.label(cell)), "alpha": "0.7"])
    }

    /// Puts the lane under all others.
    func lower() throws(GStreamerError) { try pad.set("zorder", String(Layer.background)) }

    /// This is what the lane shows from now on, until there is another one.
    func stay(with picture: RawPicture) { push(picture, time: SystemClocks.monotonicNanoseconds) }
}

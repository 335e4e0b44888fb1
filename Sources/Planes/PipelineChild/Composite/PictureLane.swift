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
        let shown = state.withLock { state -> CompositeCell? in
            guard !state.isCovered else { return nil }
            state.lastPictureAt = SystemClocks.monotonicNanoseconds
            state.showsPlaceholder = false
            return state.cell
        }
        guard let cell = shown else { return }
        let part = cell.visiblePart(ofWidth: picture.width, height: picture.height)
        if let cut = PictureCut.cut(part, from: picture) { push(cut, time: picture.time) }
    }

    /// Shows `still` in place of an input that sends nothing, or has not for a while; on the loop, from time to time.
    func cover(with still: StillPicture) {
        let now = SystemClocks.monotonicNanoseconds
        let isDue = state.withLock { state in
            if !state.isCovered, let last = state.lastPictureAt, now < last + Self.patience { return false }
            return !state.showsPlaceholder || state.placeholder?.still != still
        }
        guard isDue else { return }
        endDrawing()
        guard let drawing = try? still.draw(deliver: { [weak self] in self?.show(placeholder: $0) }) else { return }
        state.withLock { ($0.placeholder, $0.showsPlaceholder) = ((still, drawing), true) }
    }

    private func show(placeholder: RawPicture) {
        // The input may have come back while it was drawn.
        guard state.withLock({ $0.showsPlaceholder || $0.lastPictureAt == nil }) else { return }
        push(placeholder, time: SystemClocks.monotonicNanoseconds)
    }

    private func endDrawing() {
        let drawing = state.withLock { state in
            defer { state.placeholder = nil }
            return state.placeholder?.drawing
        }
        try? drawing?.setState(.null)
        drawing?.detachBus()
    }

    private func push(_ picture: RawPicture, time: UInt64) {
        guard let base = weakPipeline.value?.element.baseTime?.nanoseconds else { return }
        state.withLock { state in
            if state.caps != picture.caps, let caps = try? Caps(picture.caps) {
                source.change(to: caps)
                state.caps = picture.caps
            }
            let running = ClockTime(nanoseconds: time > base ? time - base : 0)
            _ = picture.bytes.withUnsafeBytes { source.push($0, time: running) }
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

internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import Synchronization

/// The picture of a composite: background, places and clock, as the newest scene says. Scenes come on the loop.
final class CompositeScreen: Sendable {
    /// A place with its name over it.
    private struct Place: Sendable {
        var picture: PictureLane
        var label: PictureLane?
        var place: CompositePlace
    }

    /// The grounds of what is drawn: where nothing is, and behind names.
    private static let (empty, band) = (CompositeColor(red: 0x2A, green: 0x30, blue: 0x3C), CompositeColor(red: 0, green: 0, blue: 0))

    /// All the elements, linked, in the order of flow; the last one gives the whole picture.
    let elements: [Element]
    private let background: Element
    private let ground: Ground
    private let picture: CompositeBackground
    private let compositor: Element
    private let clock: Element
    private let pipeline: Pipeline
    private let places = Mutex<[CompositeInput.Number: Place]>([:])

    /// Adds the elements to `pipeline`, and no place yet. `latency`: how late pictures may come and still be shown at their time.
    init(_ plan: CompositePlan, in pipeline: Pipeline, latency: ClockTime, tell: EventSink) throws(GStreamerError) {
        let size = "width=\(plan.width),height=\(plan.height),framerate=\(plan.framesPerSecond)/1,pixel-aspect-ratio=1/1"
        let format = try Caps("video/x-raw,format=I420,\(size)")
        background = try Element("videotestsrc")
        try background.set(["is-live": "true", "pattern": "solid-color", "foreground-color": String(plan.scene.background.argb)])
        let (filter, whole) = (try Element("capsfilter"), try Element("capsfilter"))
        try filter.set("caps", format)
        try whole.set("caps", format)
        compositor = try Element("compositor")
        try compositor.set(["background": "black", "latency": String(latency.nanoseconds)])
        clock = try Element("clockoverlay")
        try clock.set(["halignment": "right", "valignment": "top", "time-format": "%Y-%m-%d %H:%M:%S", "shaded-background": "true"])
        try clock.set(["font-desc": "Monospace 12", "silent": "true"])
        elements = [background, filter, compositor, whole, clock]
        picture = CompositeBackground(plan, compositor: compositor, pipeline: pipeline, tell: tell)
        self.pipeline = pipeline
        try pipeline.add(elements)
        try background.link(to: filter)
        let floor = try compositor.requestPad("sink_%u")
        try floor.set("zorder", "0")
        try filter.pad("src").link(to: floor)
        try Element.chain([compositor, whole, clock])
        ground = Ground(plan.scene.background)
        try Self.holdBack(compositor.pad("src"), until: filter.pad("src")) { [ground, background] in
            guard let color = ground.taken() else { return }
            try? background.set("foreground-color", String(color.argb))
        }
    }

    /// The background's colour. The element draws a picture once and copies it from then on: another colour may be set only between two copies, on its
    /// own thread.
    private final class Ground: Sendable {
        private let colors: Mutex<(shown: CompositeColor, wanted: CompositeColor)>

        init(_ color: CompositeColor) { colors = Mutex((color, color)) }

        func want(_ color: CompositeColor) { colors.withLock { $0.wanted = color } }

        /// The colour to be set now; nil: it is set.
        func taken() -> CompositeColor? {
            colors.withLock { colors in
                guard colors.wanted != colors.shown else { return nil }
                colors.shown = colors.wanted
                return colors.wanted
            }
        }
    }

    /// The compositor begins in time, with black where the background has not come yet: such pictures are left out, and the one that may be under way.
    /// `each` is called with each picture of the background, on its thread.
    private static func holdBack(_ output: Pad, until background: Pad, each: @escaping @Sendable () -> Void) {
        let (hasBackground, extra) = (Signal(), Signal())
        background.gateBuffers {
            hasBackground.count()
            each()
            return true
        }
        output.gateBuffers { hasBackground.counted > 1 && (extra.counted > 1 || extra.count() > 2) }
    }

    /// Counts on streaming threads.
    private final class Signal: Sendable {
        private let number = Atomic(0)

        var counted: Int { number.load(ordering: .relaxed) }

        @discardableResult
        func count() -> Int { number.add(1, ordering: .relaxed).newValue }
    }

    /// Shows this from now on: places that stay are moved, and others come and go.
    func show(_ scene: CompositeScene) throws(GStreamerError) {
        ground.want(scene.background)
        try picture.show(scene.image)
        try clock.set("silent", scene.showsClock ? "false" : "true")
        let wanted = Set(scene.places.map(\.input))
        for (number, former) in places.withLock({ $0 }) where !wanted.contains(number) {
            places.withLock { $0[number] = nil }
            for lane in [former.label, former.picture] { lane?.leave(compositor, pipeline) }
        }
        for place in scene.places { try show(place, isNamed: scene.showsNames && !place.name.isEmpty) }
        coverSilentOnes()
    }

    private func show(_ place: CompositePlace, isNamed: Bool) throws(GStreamerError) {
        let known = places.withLock { $0[place.input] }
        let picture: PictureLane
        if let known {
            picture = known.picture
            try picture.move(to: place.cell)
        } else {
            picture = try PictureLane(place.cell, compositor: compositor, pipeline: pipeline)
        }
        var label = known?.label
        if isNamed {
            let cell = PictureLane.label(of: place.cell)
            if let label {
                try label.move(to: cell)
            } else {
                label = try PictureLane(cell, compositor: compositor, pipeline: pipeline)
            }
            try label?.raise()
        } else {
            label?.leave(compositor, pipeline)
            label = nil
        }
        picture.cover(place.isCovered)
        places.withLock { $0[place.input] = Place(picture: picture, label: label, place: place) }
    }

    /// A picture of an input; one without a place is seen nowhere. On its decoder's thread.
    func take(_ picture: RawPicture, of input: CompositeInput.Number) { places.withLock { $0[input] }?.picture.show(picture) }

    /// Puts names in the places of inputs that send no pictures, and gives up a background that takes too long; from time to time, on the loop.
    func coverSilentOnes() {
        picture.look()
        for entry in places.withLock({ Array($0.values) }) {
            let cell = entry.place.cell
            // A thirtieth of the width: readable in a small cell, and short enough for a long name.
            entry.picture.cover(
                with: StillPicture(text: entry.place.name, width: cell.width, height: cell.height, ground: Self.empty, points: 32))
            let band = PictureLane.label(of: cell)
            entry.label?.cover(
                with: StillPicture(text: entry.place.name, width: band.width, height: band.height, ground: Self.band, points: 14))
        }
    }

    /// Ends what is being drawn; the pipeline is down already.
    func end() {
        picture.end()
        let all = places.withLock { places in
            defer { places = [:] }
            return Array(places.values)
        }
        for entry in all { for lane in [entry.label, entry.picture] { lane?.leave(compositor, pipeline) } }
    }
}

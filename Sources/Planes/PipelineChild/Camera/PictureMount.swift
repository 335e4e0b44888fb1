internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import Synchronization

/// Cuts, turns and blackens a camera's pictures as it is told to, from one picture to the next, and gives them on in the size that they came in.
final class PictureMount: Sendable {
    /// Luma and chroma of black (ITU-R BT.601).
    private static let (black, grey): (UInt8, UInt8) = (16, 128)

    private struct State {
        var target: CaptureAdjustment
        var glide: ZoomGlide
        /// As the elements have them.
        var applied: (margins: PictureMargins, rotation: PictureRotation)
    }

    /// In the order of flow, to be added and linked: they take and give raw pictures of one size.
    let elements: [Element]
    private let (crop, flip): (Element, Element)
    private let (width, height): (Int, Int)
    private let state: Mutex<State>

    /// `format`: I420 pictures of this size with square pixels.
    init(width: Int, height: Int, format: Element, adjustment: CaptureAdjustment) throws(GStreamerError) {
        (self.width, self.height) = (width, height)
        crop = try Element("videocrop")
        flip = try Element("videoflip")
        let scale = try Element("videoscale")
        try scale.set("add-borders", "true")
        elements = [crop, flip, scale, format]
        state = Mutex(
            State(
                target: adjustment, glide: ZoomGlide(at: adjustment.zoom),
                applied: (PictureMargins(zoom: 1, width: width, height: height), .none)))
        // Between two pictures, so that none is made of half a change.
        try crop.pad("sink").gateBuffers { [weak self] in
            self?.prepare()
            return true
        }
        let layout = PictureCut.Layout(width: width, height: height)
        try format.pad("src").rewriteBuffers(
            while: { [weak self] in self?.state.withLock { $0.target.mutes.contains(.video) } ?? true }, with: { Self.blacken($0, layout) })
    }

    /// From the next picture on.
    func adjust(_ adjustment: CaptureAdjustment) { state.withLock { $0.target = adjustment } }

    /// Before each picture, on its thread.
    private func prepare() {
        let (changed, applied) = state.withLock { state in
            state.glide.advance(towards: state.target.zoom)
            let margins = PictureMargins(zoom: state.glide.zoom, width: width, height: height)
            let changed = (margins: margins != state.applied.margins, rotation: state.target.rotation != state.applied.rotation)
            state.applied = (margins, state.target.rotation)
            return (changed, state.applied)
        }
        if changed.margins {
            let (sides, ends) = (String(applied.margins.horizontal), String(applied.margins.vertical))
            try? crop.set(["left": sides, "right": sides, "top": ends, "bottom": ends])
        }
        if changed.rotation { try? flip.set("video-direction", applied.rotation.direction) }
    }

    private static func blacken(_ picture: UnsafeMutableRawBufferPointer, _ layout: PictureCut.Layout) {
        let luma = layout.lumaStride * layout.lumaRows
        guard picture.count >= layout.size else { return }
        UnsafeMutableRawBufferPointer(rebasing: picture[..<luma]).initializeMemory(as: UInt8.self, repeating: black)
        UnsafeMutableRawBufferPointer(rebasing: picture[luma...]).initializeMemory(as: UInt8.self, repeating: grey)
    }
}

extension PictureRotation {
    /// As videoflip names it.
    fileprivate var direction: String {
        switch self {
        case .none: "identity"
        case .quarter: "90r"
        case .half: "180"
        case .threeQuarters: "90l"
        }
    }
}

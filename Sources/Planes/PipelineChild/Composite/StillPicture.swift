internal import Bridge
internal import GStreamerKit

/// Text on a plain ground: what stands for an input without a picture, and the names.
struct StillPicture: Equatable, Sendable {
    var text: String
    /// Pixels, even.
    var width: Int
    var height: Int
    var ground: CompositeColor
    /// In a picture of 640 pixels' width; others in proportion.
    var points: Int

    /// Draws it soon, in a pipeline that is thrown away. `deliver` gets the picture on that pipeline's thread, once, and must not wait.
    func draw(deliver: @escaping @Sendable (RawPicture) -> Void) throws(GStreamerError) -> Pipeline {
        let pipeline = try Pipeline(name: "still") { _ in }
        let source = try Element("videotestsrc")
        try source.set(["num-buffers": "1", "pattern": "solid-color", "foreground-color": String(ground.argb)])
        let filter = try Element("capsfilter")
        try filter.set("caps", Caps("video/x-raw,format=I420,width=\(width),height=\(height),framerate=1/1,pixel-aspect-ratio=1/1"))
        let overlay = try Element("textoverlay")
        try overlay.set(["halignment": "center", "valignment": "center", "font-desc": "Sans \(points)", "wrap-mode": "wordchar"])
        try overlay.set("text", Self.escaped(text))
        let (width, height) = (width, height)
        let sink = try AppSink { item in
            guard case .sample(let sample) = item else { return true }
            let caps = "video/x-raw,format=I420,width=\(width),height=\(height),framerate=0/1,pixel-aspect-ratio=1/1"
            deliver(RawPicture(caps: caps, bytes: Array(sample.bytes), time: 0, width: width, height: height))
            return true
        }
        let elements = [source, filter, overlay, sink.element]
        try pipeline.add(elements)
        try Element.chain(elements)
        try pipeline.element.requestState(.playing)
        return pipeline
    }

    /// Pango reads markup.
    private static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            // A property that begins with a quotation mark is read as a quoted one.
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }
}

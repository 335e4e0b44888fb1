internal import FoundationEssentials
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// A local media file as a camera's source: decoded, played at its own pace, over and over.
final class FileSource: CameraFeed {
    let element: Element
    private let pads = Mutex<[Pad]>([])

    /// For a file's path; nothing is read yet.
    init(path: String) throws(GStreamerError) {
        element = try Element("uridecodebin")
        try element.set("uri", URL(filePath: path).absoluteString)
    }

    /// Links the first decoded stream of each kind to the chain that takes it; others are left out. The repetition begins when all streams
    /// are known.
    func connect(video: Element, audio: Element?, pipeline: Pipeline, loop: GLibLoop) {
        element.onPadAdded { [weak self] pad in
            let caps = pad.currentCaps?.description ?? ""
            let taker = caps.hasPrefix("video/") ? video : caps.hasPrefix("audio/") ? audio : nil
            guard let self, let sink = try? taker?.pad("sink"), !sink.isLinked else { return }
            do {
                try pad.link(to: sink)
                pads.withLock { $0.append(pad) }
            } catch {
                HostFacts.logLine("viaduct-pipeline: a stream of the file cannot be used: \(error)")
            }
        }
        element.onNoMorePads { [weak self] in loop.post { [weak self] in self?.playOnceMore() } }
    }

    /// From the start, on the loop; the end of it is a `segmentDone`.
    func playOnceMore() { pads.withLock { $0.first }?.playSegmentFromStart() }

    /// Gives the pads up.
    func detach() { pads.withLock { $0.removeAll() } }
}

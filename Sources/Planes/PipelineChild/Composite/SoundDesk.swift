internal import Bridge
internal import GStreamerKit
internal import Synchronization

extension AppSource {
    /// What is pushed may wait in the queue: a live source that could not would leave the mixer no time for the others.
    func waitsForMixer() throws(GStreamerError) { try element.set(["min-latency": "0", "max-latency": "2000000000"]) }
}

/// The sound of a composite: that of all inputs, and silence where there is none.
final class SoundDesk: Sendable {
    private struct Channel: Sendable {
        var source: AppSource
        var pad: Pad
    }

    /// Pieces of sound that wait for the mixer: more than a second.
    private static let limit = 128

    /// Linked, in the order of flow; the last one gives the mix.
    let elements: [Element]
    private let mixer: Element
    private let pipeline: Pipeline
    private let channels = Mutex<[CompositeInput.Number: Channel]>([:])
    private let silenced = Mutex<Set<CompositeInput.Number>>([])

    /// Adds the elements to `pipeline`. `alignment`: how far an input's times may be from the count of its samples before the times win.
    init(in pipeline: Pipeline, latency: ClockTime, alignment: ClockTime = .milliseconds(20)) throws(GStreamerError) {
        let silence = try Element("audiotestsrc")
        // 20 ms, as an Opus packet has.
        try silence.set(["is-live": "true", "wave": "silence", "samplesperbuffer": "960"])
        let (filter, whole) = (try Element("capsfilter"), try Element("capsfilter"))
        try filter.set("caps", Caps(SoundDecoder.caps))
        try whole.set("caps", Caps(SoundDecoder.caps))
        mixer = try Element("audiomixer")
        try mixer.set(["latency": String(latency.nanoseconds), "output-buffer-duration": "20000000"])
        try mixer.set("alignment-threshold", String(alignment.nanoseconds))
        elements = [silence, filter, mixer, whole]
        self.pipeline = pipeline
        try pipeline.add(elements)
        try Element.chain(elements)
    }

    /// Opens a channel; on the loop.
    func add(_ input: CompositeInput.Number) throws(GStreamerError) {
        let source = try AppSource(caps: Caps(SoundDecoder.caps), limit: Self.limit, bufferSize: 8192)
        try source.waitsForMixer()
        try pipeline.add(source.element)
        let pad = try mixer.requestPad("sink_%u")
        try source.element.pad("src").link(to: pad)
        try source.element.syncStateWithParent()
        channels.withLock { $0[input] = Channel(source: source, pad: pad) }
    }

    /// Leaves the sound of these inputs out from now on, and of no others.
    func silence(_ inputs: Set<CompositeInput.Number>) { silenced.withLock { $0 = inputs } }

    /// Closes it; on the loop.
    func remove(_ input: CompositeInput.Number) {
        guard let channel = channels.withLock({ $0.removeValue(forKey: input) }) else { return }
        mixer.release(channel.pad)
        try? channel.source.element.setState(.null)
        pipeline.remove(channel.source.element)
    }

    /// Samples of an input that are heard at `time` (CLOCK_MONOTONIC, ns); on its decoder's thread.
    func take(_ samples: [UInt8], of input: CompositeInput.Number, time: UInt64) {
        guard !silenced.withLock({ $0.contains(input) }) else { return }
        guard let channel = channels.withLock({ $0[input] }), let base = pipeline.element.baseTime?.nanoseconds, time > base else { return }
        _ = samples.withUnsafeBytes { channel.source.push($0, time: ClockTime(nanoseconds: time - base)) }
    }
}

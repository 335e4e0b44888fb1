internal import BridgeModel
internal import GStreamerKit

/// Decodes one sound's frames to 16-bit samples of two channels at 48 kHz, in a pipeline of its own: what cannot be decoded disturbs nobody else.
final class SoundDecoder: Sendable {
    /// What comes out.
    enum Output: Sendable {
        /// Interleaved samples, whose first is heard at `time` (of the frames' times, ns).
        case samples([UInt8], time: UInt64)
        case failure(String)
    }

    /// The form of all sound in a composite.
    static let caps = "audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved"
    /// Frames that wait: a second of them.
    private static let limit = 64

    private let source: AppSource
    private let pipeline: Pipeline

    /// Starts a decoder. `deliver` is called on its thread and must not wait for it.
    init(_ track: TrackDescription, deliver: @escaping @Sendable (Output) -> Void) throws {
        pipeline = try Pipeline(name: "decode-sound") { message in
            guard case .error(let element, _, _, let text) = message else { return }
            deliver(.failure("\(element): \(text)"))
        }
        source = try AppSource(caps: Caps(Self.codedCaps(track)), limit: Self.limit)
        let sink = try AppSink(caps: Caps(Self.caps)) { item in
            guard case .sample(let sample) = item, let time = sample.pts else { return true }
            deliver(.samples(Array(sample.bytes), time: time.nanoseconds))
            return true
        }
        let decoder = try Element(Self.decoder(of: track.codec))
        let elements = [source.element, decoder, try Element("audioconvert"), try Element("audioresample"), sink.element]
        try pipeline.add(elements)
        try Element.chain(elements)
        try pipeline.setState(.playing)
    }

    /// Gives the decoder a frame of `time` (ns).
    func push(_ bytes: [UInt8], time: UInt64) {
        _ = bytes.withUnsafeBytes { source.push($0, time: ClockTime(nanoseconds: time)) }
    }

    /// Takes it down; not on its own thread.
    func stop() {
        try? pipeline.setState(.null)
        pipeline.detachBus()
    }

    private static func codedCaps(_ track: TrackDescription) -> String {
        switch track.codec {
        case .pcmu: "audio/x-mulaw,rate=\(track.clockRate),channels=\(track.channels ?? 1)"
        case .pcma: "audio/x-alaw,rate=\(track.clockRate),channels=\(track.channels ?? 1)"
        // The decoder makes two channels of one where the packets say so (RFC 7587 section 4.2).
        default: "audio/x-opus,channel-mapping-family=0,channels=2,rate=48000"
        }
    }

    private static func decoder(of codec: Codec) throws(BridgeError) -> String {
        switch codec {
        case .opus: "opusdec"
        case .pcmu: "mulawdec"
        case .pcma: "alawdec"
        default: throw BridgeError(.pipelineFailed, "Sound of \(codec.rawValue) is not mixed.")
        }
    }
}

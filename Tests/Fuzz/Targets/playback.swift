import BridgeModel
import Playback

/// What callers write of moments, cursors, HLS names and directives: one text for all of them.
func fuzzPlayback(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let moment = PlaybackTime.parse(text) {
        precondition(PlaybackTime.parse(moment.iso8601) == moment)
        _ = try? PlaybackRange(from: text, to: "1700000000000", standard: nil, longest: .seconds(86_400))
    }
    if let resource = HLSResource(name: text) { precondition(HLSResource(name: resource.name) == resource) }
    if let names = ThumbnailNames(ofThumbnail: text) {
        precondition([names.poster, names.track].contains(text) || text.hasPrefix(names.stem + ".sprite-"))
    }
    if let cursor = try? TimelineCursor(text) { precondition((try? TimelineCursor(cursor.text)) == cursor) }
    if let directives = try? HLSDirectives(sequence: text, part: text, skip: nil) {
        _ = directives.answer(edge: HLSEdge(sequence: 3, part: 1, partsBefore: 8))
    }
}

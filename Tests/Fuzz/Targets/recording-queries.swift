import Bridge
import BridgeModel
import Playback

/// What callers of the recording API write: a clip's order and what is asked of clips and of rooms, a snapshot's options, a segment's number, a range, the reason of
/// a hold, and a report of an event. By the first byte.
func fuzzRecordingQueries(_ bytes: UnsafeRawBufferPointer) {
    guard let kind = bytes.first else { return }
    let rest = Array(bytes.dropFirst())
    if kind % 2 == 0 {
        guard let value = try? JSONValue.read(rest) else { return }
        fuzzClipOrder(value)
        fuzzReason(value)
        return
    }
    let lines = String(decoding: rest, as: UTF8.self).split(separator: "\n", maxSplits: 3, omittingEmptySubsequences: false)
    let text = { (index: Int) in lines.indices.contains(index) ? String(lines[index]) : nil }
    fuzzPictureSpec(text(0), text(1))
    fuzzSegmentNumber(text(0))
    fuzzRange(text(0), text(1))
    if let query = try? ClipQuery(limit: 5, after: text(2), stream: text(2), tag: text(3), within: (text(0), text(1))) {
        precondition((query.from == nil) == (text(0) == nil) && (query.to == nil) == (text(1) == nil))
    }
    if let query = try? RoomRecordingQuery(limit: 5, after: text(3), room: text(2), within: (text(0), text(1))) {
        precondition(query.room?.rawValue == text(2) && (query.from == nil) == (text(0) == nil) && (query.to == nil) == (text(1) == nil))
        if let from = query.from, let to = query.to { precondition(from < to) }
    }
    if let report = StreamEventReport(type: text(0) ?? "", note: text(1) ?? "") {
        precondition(report.note.utf8.count <= 500 && report.type.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
    }
}

private func fuzzClipOrder(_ value: JSONValue) {
    guard let order = try? ClipOrder(reading: value) else { return }
    precondition((.nanoseconds(1) ... .seconds(3600)).contains(order.range.length))
    precondition((1...128).contains(order.stream.rawValue.utf8.count) && order.title.utf8.count <= 200 && order.tags.count <= 32)
    precondition(Set(order.tags).count == order.tags.count && order.tags.allSatisfy { (1...64).contains($0.utf8.count) })
    // What is shown of a clip makes the same clip.
    let again = try? ClipOrder(
        reading: .object([
            "stream": .string(order.stream.rawValue), "from": .string(order.range.from.iso8601), "to": .string(order.range.to.iso8601),
            "title": .string(order.title), "tags": .array(order.tags.map(JSONValue.string)),
        ]))
    precondition(again == order)
}

private func fuzzReason(_ value: JSONValue) {
    guard let reason = try? RecordingHold.reason(reading: value) else { return }
    precondition((1...2000).contains(reason.utf8.count) && !reason.utf8.contains { $0 < 0x20 })
}

private func fuzzPictureSpec(_ width: String?, _ quality: String?) {
    guard let spec = try? PictureSpec(.webp, width: width, quality: quality) else { return }
    precondition(PictureSpec.qualities.contains(spec.quality) && spec.width.map(PictureSpec.widths.contains) != false)
    let size = spec.size(of: (width: 7680, height: 16))
    precondition(size.width >= 16 && size.height >= 16)
}

private func fuzzSegmentNumber(_ text: String?) {
    guard let number = try? SegmentRow.number(reading: text) else { return }
    precondition((1...999_999).contains(number) && (try? SegmentRow.number(reading: String(number))) == number)
}

private func fuzzRange(_ from: String?, _ to: String?) {
    let now = WallTime(milliseconds: 1_700_000_000_000)
    let standard = (now.advanced(by: .seconds(-86_400)), now)
    guard let range = try? PlaybackRange(from: from, to: to, standard: standard, longest: .seconds(366 * 86_400)) else { return }
    precondition(range.from < range.to && range.length <= .seconds(366 * 86_400))
    precondition(PlaybackTime.parse(range.from.iso8601) == range.from && PlaybackTime.parse(range.to.iso8601) == range.to)
}

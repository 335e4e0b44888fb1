import Foundation

/// The structure of a fragmented MP4, read for checks (ISO/IEC 14496-12).
struct FragmentedMP4 {
    /// Types of the boxes at the top.
    let boxes: [String]
    /// Seconds that each track's part of each fragment lasts.
    let fragments: [(track: UInt32, seconds: Double)]

    init(_ path: String) throws {
        let file = try Data(contentsOf: URL(fileURLWithPath: path))
        let top = Box.all(in: file[...])
        boxes = top.map(\.type)
        let tracks = top.filter { $0.type == "moov" }.flatMap { $0.children("trak") }
        var timescales: [UInt32: UInt32] = [:]
        for track in tracks {
            guard let header = track.child("tkhd"), let media = track.child("mdia")?.child("mdhd") else { continue }
            timescales[header.number(at: header.version == 1 ? 20 : 12)] = media.number(at: media.version == 1 ? 20 : 12)
        }
        fragments = top.filter { $0.type == "moof" }.flatMap { $0.children("traf") }.compactMap { fragment in
            guard let head = fragment.child("tfhd"), let scale = timescales[head.number(at: 4)], scale > 0 else { return nil }
            let ticks = fragment.children("trun").reduce(0) { $0 + $1.runDuration(fallback: head.defaultDuration) }
            return (head.number(at: 4), Double(ticks) / Double(scale))
        }
    }
}

/// One box and its content.
private struct Box {
    let type: String
    let content: Data

    static func all(in bytes: Data) -> [Box] {
        var boxes: [Box] = []
        var rest = bytes
        while rest.count >= 8 {
            let size = Int(rest.number(at: 0))
            guard size >= 8, size <= rest.count else { break }
            boxes.append(
                Box(type: String(decoding: rest.dropFirst(4).prefix(4), as: UTF8.self), content: rest.dropFirst(8).prefix(size - 8)))
            rest = rest.dropFirst(size)
        }
        return boxes
    }

    func children(_ type: String) -> [Box] { Box.all(in: content).filter { $0.type == type } }
    func child(_ type: String) -> Box? { children(type).first }
    func number(at offset: Int) -> UInt32 { content.number(at: offset) }
    var version: UInt8 { content.first ?? 0 }
    var flags: UInt32 { number(at: 0) & 0xFF_FFFF }

    /// Of a `tfhd`: default-sample-duration; 0 without one.
    var defaultDuration: UInt32 {
        guard flags & 0x8 != 0 else { return 0 }
        return number(at: 8 + (flags & 0x1 != 0 ? 8 : 0) + (flags & 0x2 != 0 ? 4 : 0))
    }

    /// Of a `trun`: what its samples last together, ticks.
    func runDuration(fallback: UInt32) -> Int {
        let count = Int(number(at: 4))
        guard flags & 0x100 != 0 else { return count * Int(fallback) }
        let start = 8 + (flags & 0x1 != 0 ? 4 : 0) + (flags & 0x4 != 0 ? 4 : 0)
        let width = 4 * [0x100, 0x200, 0x400, 0x800].filter { flags & $0 != 0 }.count
        return (0..<count).reduce(0) { $0 + Int(number(at: start + $1 * width)) }
    }
}

extension Data {
    /// Four bytes, big endian; 0 beyond the end.
    fileprivate func number(at offset: Int) -> UInt32 {
        dropFirst(offset).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// Reads one `moof` (section 8.8.4): where its samples lie and when they are shown.
struct FragmentReader {
    /// What `trex` and `tfhd` say of the samples that say nothing themselves.
    struct Defaults: Equatable {
        var duration: UInt32 = 0
        var size: UInt32 = 0
        var flags: UInt32 = 0
    }

    /// From the beginning of the file.
    private let offset: UInt64
    private let defaults: [UInt32: Defaults]
    private let limit: Int

    private enum Flag {
        static let baseOffset: UInt32 = 0x1
        static let description: UInt32 = 0x2
        static let duration: UInt32 = 0x8
        static let size: UInt32 = 0x10
        static let flags: UInt32 = 0x20
        static let dataOffset: UInt32 = 0x1
        static let firstFlags: UInt32 = 0x4
        static let isNonSync: UInt32 = 0x1_0000
    }

    /// `limit`: samples that are believed at most.
    init(offset: UInt64, defaults: [UInt32: Defaults], limit: Int) {
        self.offset = offset
        self.defaults = defaults
        self.limit = limit
    }

    /// A run's sample with its time in ticks of its track.
    struct Sample {
        var offset: UInt64
        var size: UInt32
        var ticks: Int64
        var isKeyframe: Bool
    }

    /// By track number. `ends` is where each track ended until now, for fragments that do not say their time; it is moved on. Throws `malformed`
    /// or `tooLarge`.
    func samples(_ fragment: Box, ends: inout [UInt32: Int64]) throws(ISOMediaError) -> [(track: UInt32, samples: [Sample])] {
        var found: [(track: UInt32, samples: [Sample])] = []
        var count = 0
        for box in try fragment.children() where box.type == "traf" {
            let boxes = try box.children()
            var head = try header(boxes.required("tfhd"))
            if let time = boxes.first("tfdt") { head.time = try decodeTime(time) } else { head.time = ends[head.track] ?? 0 }
            var samples: [Sample] = []
            for run in boxes where run.type == "trun" {
                try read(run, &head, &samples)
                guard count + samples.count <= limit else { throw .tooLarge("trun") }
            }
            count += samples.count
            ends[head.track] = head.time
            found.append((head.track, samples))
        }
        return found
    }

    private struct Head {
        var track: UInt32
        var base: UInt64
        var defaults: Defaults
        /// Where the next run begins that does not say so.
        var next: UInt64
        /// Of the next sample, ticks.
        var time: Int64 = 0
    }

    private func header(_ box: Box) throws(ISOMediaError) -> Head {
        var reader = BoxReader(box.content)
        let flags = reader.versionAndFlags().flags
        let track = reader.number(UInt32.self)
        var defaults = defaults[track] ?? Defaults()
        let base = flags & Flag.baseOffset != 0 ? reader.number(UInt64.self) : offset
        if flags & Flag.description != 0 { reader.skip(4) }
        if flags & Flag.duration != 0 { defaults.duration = reader.number() }
        if flags & Flag.size != 0 { defaults.size = reader.number() }
        if flags & Flag.flags != 0 { defaults.flags = reader.number() }
        guard !reader.isExhausted else { throw .malformed("tfhd") }
        return Head(track: track, base: base, defaults: defaults, next: base)
    }

    private func decodeTime(_ box: Box) throws(ISOMediaError) -> Int64 {
        var reader = BoxReader(box.content)
        let version = reader.versionAndFlags().version
        let time = Int64(clamping: reader.number(version: version))
        guard !reader.isExhausted else { throw .malformed("tfdt") }
        return time
    }

    private func read(_ box: Box, _ head: inout Head, _ samples: inout [Sample]) throws(ISOMediaError) {
        var reader = BoxReader(box.content)
        let flags = reader.versionAndFlags().flags
        let count = Int(reader.number(UInt32.self))
        if flags & Flag.dataOffset != 0 { head.next = head.base &+ UInt64(bitPattern: Int64(reader.number(Int32.self))) }
        let firstFlags = flags & Flag.firstFlags != 0 ? reader.number(UInt32.self) : nil
        let width = 4 * [0x100, 0x200, 0x400, 0x800].filter { flags & $0 != 0 }.count
        guard !reader.isExhausted, count <= limit, reader.rest.count >= count * width else { throw .malformed("trun") }
        for index in 0..<count {
            let duration = flags & 0x100 != 0 ? reader.number() : head.defaults.duration
            let size = flags & 0x200 != 0 ? reader.number() : head.defaults.size
            let own = flags & 0x400 != 0 ? reader.number() : head.defaults.flags
            let shift = flags & 0x800 != 0 ? Int64(reader.number(Int32.self)) : 0
            let sampleFlags = index == 0 ? firstFlags ?? own : own
            samples.append(
                Sample(offset: head.next, size: size, ticks: head.time &+ shift, isKeyframe: sampleFlags & Flag.isNonSync == 0))
            head.next &+= UInt64(size)
            head.time = Int64(clamping: UInt64(max(0, head.time)) &+ UInt64(duration))
        }
    }
}

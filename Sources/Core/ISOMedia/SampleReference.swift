/// Where a sample lies in its file, and when it is shown.
package struct SampleReference: Sendable, Equatable {
    /// From the beginning of the file, bytes.
    package var offset: UInt64
    /// Bytes.
    package var size: UInt32
    /// When it is shown, from the movie's beginning.
    package var time: Duration
    /// Decoding can begin here.
    package var isKeyframe: Bool

    package init(offset: UInt64, size: UInt32, time: Duration, isKeyframe: Bool) {
        self.offset = offset
        self.size = size
        self.time = time
        self.isKeyframe = isKeyframe
    }
}

/// One track's samples as the tables in `moov` tell them (section 8.5 to 8.7). Every table is checked against the others before a sample is believed.
struct SampleTableReader {
    /// Of one file; more are not believed: a day of pictures and sound has seven million.
    static let largestCount = 20_000_000

    private let tables: [Box]
    private let count: Int
    private let uniformSize: UInt32
    private let sizes: ArraySlice<UInt8>

    /// `stbl`; `limit`: samples that are believed at most. Throws `malformed` or `tooLarge`.
    init(_ box: Box, limit: Int) throws(ISOMediaError) {
        tables = try box.children()
        var reader = BoxReader(try tables.required("stsz").content)
        _ = reader.versionAndFlags()
        uniformSize = reader.number()
        let count = reader.number(UInt32.self)
        guard !reader.isExhausted else { throw .malformed("stsz") }
        guard count <= limit else { throw .tooLarge("stsz") }
        self.count = Int(count)
        sizes = reader.rest
        guard uniformSize > 0 || sizes.count >= self.count * 4 else { throw .malformed("stsz") }
    }

    /// All samples in the order of decoding; `start` is what an edit list puts in front of the track, `shift` what it takes away, in ticks of
    /// `timescale`. Throws `malformed`.
    func samples(timescale: UInt32, start: Int64, shift: Int64) throws(ISOMediaError) -> [SampleReference] {
        guard count > 0 else { return [] }
        let times = try times()
        let offsets = try offsets()
        let keyframes = try keyframes()
        return (0..<count).map { index in
            SampleReference(
                offset: offsets[index], size: size(index), time: Duration(ticks: times[index] &+ start &- shift, perSecond: timescale),
                isKeyframe: keyframes?.contains(UInt32(index + 1)) ?? true)
        }
    }

    private func size(_ index: Int) -> UInt32 {
        guard uniformSize == 0 else { return uniformSize }
        return sizes.dropFirst(index * 4).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// When each is shown: the sum of the durations before it, and its composition offset.
    private func times() throws(ISOMediaError) -> [Int64] {
        var times: [Int64] = []
        times.reserveCapacity(count)
        var time: Int64 = 0
        try runs(of: "stts") { run, duration in
            for _ in 0..<run {
                times.append(time)
                time &+= Int64(duration)
            }
        }
        guard times.count == count else { throw .malformed("stts") }
        guard tables.first("ctts") != nil else { return times }
        var index = 0
        // Version 0 is unsigned, but offsets of 2^31 ticks are none.
        try runs(of: "ctts") { run, offset in
            for _ in 0..<run {
                times[index] &+= Int64(Int32(bitPattern: offset))
                index += 1
            }
        }
        return times
    }

    /// Pairs of count and value, for `count` samples at most.
    private func runs(of type: FourCC, take: (Int, UInt32) -> Void) throws(ISOMediaError) {
        var reader = BoxReader(try tables.required(type).content)
        _ = reader.versionAndFlags()
        var left = count
        for _ in 0..<reader.number(UInt32.self) where !reader.isExhausted {
            let (run, value) = (reader.number(UInt32.self), reader.number(UInt32.self))
            guard !reader.isExhausted, run <= left else { throw .malformed(type) }
            left -= Int(run)
            take(Int(run), value)
        }
        guard !reader.isExhausted else { throw .malformed(type) }
    }

    /// Nil: all.
    private func keyframes() throws(ISOMediaError) -> Set<UInt32>? {
        guard let box = tables.first("stss") else { return nil }
        var reader = BoxReader(box.content)
        _ = reader.versionAndFlags()
        let entries = reader.number(UInt32.self)
        guard entries <= count, reader.rest.count >= Int(entries) * 4 else { throw .malformed("stss") }
        return Set((0..<entries).map { _ in reader.number(UInt32.self) })
    }

    private func offsets() throws(ISOMediaError) -> [UInt64] {
        let chunks = try chunkOffsets()
        var reader = BoxReader(try tables.required("stsc").content)
        _ = reader.versionAndFlags()
        let entries = Int(reader.number(UInt32.self))
        guard reader.rest.count / 12 >= entries else { throw .malformed("stsc") }
        let runs = (0..<entries).map { _ in
            let run = (first: Int(reader.number(UInt32.self)), samples: Int(reader.number(UInt32.self)))
            reader.skip(4)
            return run
        }
        var offsets: [UInt64] = []
        offsets.reserveCapacity(count)
        for (index, run) in runs.enumerated() {
            let end = index + 1 < runs.count ? runs[index + 1].first : chunks.count + 1
            guard run.first >= 1, run.first < end, end <= chunks.count + 1 else { throw .malformed("stsc") }
            for chunk in run.first..<end { place(run.samples, at: chunks[chunk - 1], &offsets) }
        }
        guard offsets.count == count else { throw .malformed("stsc") }
        return offsets
    }

    /// No more than there are: what is missing or too much is found by the count.
    private func place(_ samples: Int, at offset: UInt64, _ offsets: inout [UInt64]) {
        var offset = offset
        for _ in 0..<min(samples, count - offsets.count) {
            offsets.append(offset)
            offset &+= UInt64(size(offsets.count - 1))
        }
    }

    private func chunkOffsets() throws(ISOMediaError) -> [UInt64] {
        let long = tables.first("co64")
        let box = if let long { long } else { try tables.required("stco") }
        var reader = BoxReader(box.content)
        _ = reader.versionAndFlags()
        let entries = Int(reader.number(UInt32.self))
        guard reader.rest.count / (long == nil ? 4 : 8) >= entries else { throw .malformed(box.type) }
        return (0..<entries).map { _ in long == nil ? UInt64(reader.number(UInt32.self)) : reader.number(UInt64.self) }
    }
}

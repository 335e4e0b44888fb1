/// What a progressive file must know of one track's samples (ISO/IEC 14496-12 section 8.5 to 8.7), some twenty bytes a sample.
struct SampleTable {
    /// Samples that lie together in the file.
    private struct Chunk {
        /// From the first sample of the file.
        var offset: UInt64
        var samples: UInt32
    }

    private var times: [Int64] = []
    private var sizes: [UInt32] = []
    private var chunks: [Chunk] = []
    /// Numbers of the keyframes, from 1.
    private var keyframes: [UInt32] = []
    private var chunkEnd: UInt64?
    private let usualStep: Int64

    /// `usualStep`: ticks that a single sample lasts, of which nothing else is known.
    init(usualStep: Int64) { self.usualStep = max(1, usualStep) }

    var count: Int { times.count }

    /// The ends of the track on the movie's timeline, ticks.
    var start: Int64 { times.min() ?? 0 }
    var end: Int64 { decodeTimes.last.map { $0 + lastStep } ?? 0 }

    mutating func add(time: Int64, isKeyframe: Bool, size: UInt32, offset: UInt64) {
        times.append(time)
        sizes.append(size)
        if isKeyframe { keyframes.append(UInt32(clamping: times.count)) }
        if chunkEnd == offset, !chunks.isEmpty {
            chunks[chunks.count - 1].samples += 1
        } else {
            chunks.append(Chunk(offset: offset, samples: 1))
        }
        chunkEnd = offset + UInt64(size)
    }

    func write(to writer: inout BoxWriter, chunkBase: UInt64, usesLongOffsets: Bool) {
        timeToSample(&writer)
        if keyframes.count < times.count { synchronisation(&writer) }
        compositionOffsets(&writer)
        sampleToChunk(&writer)
        writer.fullBox("stsz") { box in
            box.append(UInt32(0))
            box.append(UInt32(clamping: sizes.count))
            for size in sizes { box.append(size) }
        }
        writer.fullBox(usesLongOffsets ? "co64" : "stco") { box in
            box.append(UInt32(clamping: chunks.count))
            for chunk in chunks {
                if usesLongOffsets { box.append(chunkBase + chunk.offset) } else { box.append(UInt32(clamping: chunkBase + chunk.offset)) }
            }
        }
    }

    private var decodeTimes: [Int64] { rising(times) }

    /// The last sample is taken to last as long as the one before it, a second at most.
    private var lastStep: Int64 {
        let times = decodeTimes.suffix(2)
        guard let first = times.first, let last = times.last, times.count == 2 else { return usualStep }
        return max(1, min(last - first, usualStep * 50))
    }

    private func timeToSample(_ writer: inout BoxWriter) {
        let times = decodeTimes
        let steps = zip(times.dropFirst(), times).map { UInt32(clamping: $0 - $1) } + (times.isEmpty ? [] : [UInt32(clamping: lastStep)])
        writer.fullBox("stts") { $0.runs(of: steps) { box, step in box.append(step) } }
    }

    /// The list of keyframes: left out where every sample is one (section 8.6.2).
    private func synchronisation(_ writer: inout BoxWriter) {
        writer.fullBox("stss") { box in
            box.append(UInt32(clamping: keyframes.count))
            for number in keyframes { box.append(number) }
        }
    }

    /// Only pictures that are not shown in the order of decoding have offsets; they may be negative (version 1, section 8.6.1.3).
    private func compositionOffsets(_ writer: inout BoxWriter) {
        let offsets = zip(times, decodeTimes).map { Int32(clamping: $0 - $1) }
        guard offsets.contains(where: { $0 != 0 }) else { return }
        writer.fullBox("ctts", version: 1) { $0.runs(of: offsets) { box, offset in box.append(offset) } }
    }

    /// Runs of chunks with the same number of samples (section 8.7.4).
    private func sampleToChunk(_ writer: inout BoxWriter) {
        var runs: [(first: UInt32, samples: UInt32)] = []
        for (index, chunk) in chunks.enumerated() where runs.last?.samples != chunk.samples {
            runs.append((UInt32(clamping: index + 1), chunk.samples))
        }
        writer.fullBox("stsc") { box in
            box.append(UInt32(clamping: runs.count))
            for run in runs {
                box.append(run.first)
                box.append(run.samples)
                box.append(UInt32(1))
            }
        }
    }
}

/// Decode times of pictures that are given in the order of decoding with the times at which they are shown: the same times in order, each later than
/// the one before it.
func rising(_ times: [Int64]) -> [Int64] {
    var last: Int64?
    return times.sorted().map { time in
        let next = last.map { max(time, $0 + 1) } ?? time
        last = next
        return next
    }
}

extension BoxWriter {
    /// Equal neighbours as one entry: count and value.
    fileprivate mutating func runs<Value: Equatable>(of values: [Value], append: (inout BoxWriter, Value) -> Void) {
        var runs: [(count: UInt32, value: Value)] = []
        for value in values {
            if let last = runs.last, last.value == value { runs[runs.count - 1].count += 1 } else { runs.append((1, value)) }
        }
        self.append(UInt32(clamping: runs.count))
        for run in runs {
            self.append(run.count)
            append(&self, run.value)
        }
    }
}

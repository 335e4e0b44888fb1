internal import BridgeModel
internal import RTP

/// Makes one stream of what several sources send: the numbers of headers and payload descriptors go on, whatever the viewer is switched to.
struct StreamRewriter: Sendable {
    /// The numbers of a packet as the viewer gets them.
    struct Numbers: Sendable, Equatable {
        var sequence: UInt16
        var timestamp: UInt32
        /// Of the packet's segment: for the payload's descriptor.
        var offsets: SequenceMap.Offsets
    }

    /// The newest that was sent.
    private struct Newest: Sendable {
        var timestamp: UInt32
        var arrival: MonotonicTime
        var pictureID: UInt16 = 0
        var zeroIndex: UInt8 = 0
        var keyIndex: UInt8 = 0
    }

    private let clockRate: UInt32
    private(set) var map: SequenceMap?
    private var newest: Newest?
    /// The next packet follows the last one without a gap.
    private var closesGap = false
    /// The picture that was left out last, so that it is counted once.
    private var leftOutPicture: UInt16?

    init(clockRate: UInt32) { self.clockRate = clockRate }

    /// What the current numbers come from; nil before the first packet.
    var source: SequenceMap.Source? { map?.current.source }

    /// The offset of the current source's timestamps.
    var timestampOffset: UInt32 { map?.current.offsets.timestamp ?? 0 }

    /// The newest timestamp that was sent, with the arrival of its packet.
    var newestTimestamp: (timestamp: UInt32, arrival: MonotonicTime)? { newest.map { ($0.timestamp, $0.arrival) } }

    /// What comes next does not continue what was sent: the gap is ours and is closed.
    mutating func resynchronize() { closesGap = true }

    /// What was sent so far is not to be sent again.
    mutating func forgetSent() { map?.forget() }

    /// What is known where something new begins: another source, or the first packet behind a gap of ours.
    struct Beginning {
        /// The lowest sequence number of the frame: packets of it may have overtaken each other.
        var firstSequence: UInt16
        /// The timestamp that the packet would have had in the source before, where that is known.
        var aligned: UInt32?
    }

    /// Whether something new begins with this packet.
    func begins(with entry: GOPCache.Entry) -> Bool {
        guard let source, !closesGap else { return true }
        return source.track != entry.track || !source.isEpoch(entry.epoch)
    }

    /// Begins anew with the frame of this packet, which is to have `timestamp` in place of its own.
    mutating func begin(_ beginning: Beginning, with entry: GOPCache.Entry, timestamp: UInt32) {
        begin(SequenceMap.Source(track: entry.track, epoch: entry.epoch), beginning, entry, timestamp: timestamp)
    }

    /// The numbers of a packet that is to be sent, `timestamp` in place of its own; nil when it has no place.
    mutating func rewrite(_ entry: GOPCache.Entry, timestamp: UInt32) -> Numbers? {
        guard let (output, offsets) = map?.place(entry.header.sequence) else { return nil }
        let numbers = Numbers(sequence: output, timestamp: timestamp &+ offsets.timestamp, offsets: offsets)
        if output == map?.newestOutput { note(numbers, entry) }
        return numbers
    }

    /// Leaves out a packet of the current source. A number is returned for one whose place the viewer waits for.
    mutating func leaveOut(_ entry: GOPCache.Entry) -> UInt16? {
        guard map != nil, source == SequenceMap.Source(track: entry.track, epoch: entry.epoch), !closesGap else { return nil }
        let numbering = entry.descriptor.numbering
        // VP8's receivers take a missing picture id for a lost picture; VP9's counts pictures in its pattern, and stays.
        let isCounted = numbering.form == .vp8 && numbering.pictureIDSize > 0 && leftOutPicture != numbering.pictureID
        if isCounted { leftOutPicture = numbering.pictureID }
        return map?.leaveOut(entry.header.sequence) { offsets in
            if isCounted { offsets.pictureID = offsets.pictureID &- 1 }
        }
    }

    private mutating func note(_ numbers: Numbers, _ entry: GOPCache.Entry) {
        let numbering = entry.descriptor.numbering
        newest = Newest(
            timestamp: numbers.timestamp, arrival: entry.arrival, pictureID: numbering.pictureID &+ numbers.offsets.pictureID,
            zeroIndex: numbering.zeroIndex &+ numbers.offsets.zeroIndex, keyIndex: numbering.keyIndex &+ numbers.offsets.keyIndex)
    }

    private mutating func begin(
        _ source: SequenceMap.Source, _ beginning: Beginning, _ entry: GOPCache.Entry, timestamp: UInt32
    ) {
        closesGap = false
        leftOutPicture = nil
        guard let newest, let current = map?.current else {
            map = SequenceMap(source, sequence: beginning.firstSequence)
            return
        }
        let numbering = entry.descriptor.numbering
        var offsets = SequenceMap.Offsets()
        offsets.pictureID = newest.pictureID &+ 1 &- numbering.pictureID
        offsets.zeroIndex = newest.zeroIndex &+ 1 &- numbering.zeroIndex
        offsets.keyIndex = newest.keyIndex &+ 1 &- numbering.keyIndex
        if source == current.source {
            offsets.timestamp = current.offsets.timestamp
        } else {
            let expected = newest.timestamp &+ ticks(entry.arrival.duration(since: newest.arrival))
            let exact = beginning.aligned.map { $0 &+ current.offsets.timestamp }
            offsets.timestamp = continuation(exact: exact, expected: expected, after: newest.timestamp) &- timestamp
        }
        map?.begin(source, sequence: beginning.firstSequence, offsets: offsets)
    }

    /// The reports' word unless it contradicts the arrivals by more than a second; never a step back.
    private func continuation(exact: UInt32?, expected: UInt32, after newest: UInt32) -> UInt32 {
        var timestamp = expected
        if let exact, abs(TimestampUnwrapper.distance(from: expected, to: exact)) < Int64(clockRate) { timestamp = exact }
        return TimestampUnwrapper.distance(from: newest, to: timestamp) > 0 ? timestamp : newest &+ 1
    }

    /// At least one tick, so that two frames never share a timestamp; at most a minute, whatever the clock says.
    private func ticks(_ duration: Duration) -> UInt32 {
        let milliseconds = min(max(0, duration.wholeMilliseconds), 60_000)
        return UInt32(max(1, milliseconds * Int64(clockRate) / 1000))
    }
}

extension PictureNumbering {
    /// Whether these offsets change anything in the payload.
    func isChanged(by offsets: SequenceMap.Offsets) -> Bool {
        form != .none && form != .av1
            && (offsets.pictureID & 0x7FFF != 0 || offsets.zeroIndex != 0 || (keyIndexOffset > 0 && offsets.keyIndex & 0x1F != 0))
    }

    /// The frame number to write into the header extension; nil for other codecs than AV1.
    func frameNumber(with offsets: SequenceMap.Offsets) -> UInt16? { form == .av1 ? pictureID &+ offsets.pictureID : nil }

    /// Adds the offsets to the numbers in `head`, which holds the payload's first `size` bytes.
    func apply(_ offsets: SequenceMap.Offsets, to head: UnsafeMutableRawBufferPointer) {
        let place = form == .vp8 ? 2 : 1
        let id = pictureID &+ offsets.pictureID
        switch pictureIDSize {
        case 1: head[place] = UInt8(truncatingIfNeeded: id & 0x7F)
        case 2:
            // M: fifteen bits follow.
            head[place] = 0x80 | UInt8(truncatingIfNeeded: id >> 8 & 0x7F)
            head[place + 1] = UInt8(truncatingIfNeeded: id)
        default: break
        }
        if zeroIndexOffset > 0 { head[Int(zeroIndexOffset)] = zeroIndex &+ offsets.zeroIndex }
        if keyIndexOffset > 0 {
            head[Int(keyIndexOffset)] = head[Int(keyIndexOffset)] & 0xE0 | (keyIndex &+ offsets.keyIndex) & 0x1F
        }
    }
}

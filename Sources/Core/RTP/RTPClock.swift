package import BridgeModel

/// Puts the RTP timestamps of several tracks of one source on one timeline: the local monotonic clock, as if every packet had come over a
/// path with a constant delay. Audio and video of the same moment get the same time.
///
/// Until sender reports come, a track is anchored at the arrival of its first packet. With reports (RFC 3550 section 6.4.1) the
/// source's own clock joins the tracks. A track moves to a better mapping by at most 5 % of the time that passes,
/// so its times never step back and never leap. The whole timeline follows the local clock by
/// at most 1 ms a second, so that a source with a slow crystal does not run away.
///
/// Reports are not trusted blindly: one that would put a track further than `plausibleSkew` from its own arrivals is refused.
/// A value; no thread of its own.
package struct RTPClock: Sendable {
    /// Largest difference between the delays of a source's tracks that is believed.
    package static let plausibleSkew: Duration = .seconds(2)
    /// A packet that would be presented this much later than it arrived tells of a leap of the source's timestamps.
    package static let largestLead: Duration = .seconds(1)
    /// Timestamps that go back by more than this were reset; less is reordering.
    package static let largestStepBack: Duration = .milliseconds(500)
    /// Largest change of a presented track's offset, as a part of the time that passes: 1/20.
    fileprivate static let slewDivisor: Int64 = 20
    /// Largest change of the common timeline, as a part of the time that passes: 1/1000, more than any crystal's error.
    private static let driftDivisor: Int64 = 1000

    private var tracks: [Track]
    /// Local time minus the source's NTP time, in nanoseconds; nil before the first report.
    private var sourceOffset: Int64?
    private var sourceOffsetMovedAt: Int64 = 0

    /// One clock rate in Hz for each track, in track order. A rate of zero counts as 90 kHz.
    package init(clockRates: [UInt32]) {
        tracks = clockRates.map { Track(rate: Int64($0 == 0 ? 90_000 : $0)) }
    }

    /// A packet that will be presented soon. A track that has not begun yet, or that expects a discontinuity, will begin where the least delayed of
    /// these belongs, instead of at the arrival of its first packet, which is often late: a handshake held it back, it belongs to a large keyframe, or
    /// the machine stood still and gets at once what came meanwhile.
    package mutating func foresee(track: Int, timestamp: UInt32, arrival: MonotonicTime) {
        guard tracks.indices.contains(track) else { return }
        tracks[track].foresee(timestamp, arrival: Int64(clamping: arrival.nanoseconds))
    }

    /// When the packet is to be presented. Packets of a track come in the order of arrival. Packets with one timestamp get one time, and times of a track never decrease. `arrival` for an
    /// unknown track.
    package mutating func presentationTime(track: Int, timestamp: UInt32, arrival: MonotonicTime) -> MonotonicTime {
        guard tracks.indices.contains(track) else { return arrival }
        tracks[track].observe(timestamp, arrival: Int64(clamping: arrival.nanoseconds))
        return MonotonicTime(nanoseconds: UInt64(max(0, tracks[track].present())))
    }

    /// Takes note of a sender report: `ntp` is its 64-bit NTP timestamp, `timestamp` the same moment on the track's RTP clock.
    package mutating func senderReport(track: Int, ntp: UInt64, timestamp: UInt32, arrival: MonotonicTime) {
        guard tracks.indices.contains(track), let media = tracks[track].mediaTime(near: timestamp) else { return }
        let source = Self.nanoseconds(ntp: ntp)
        let ownOffset = source - media
        let common = sourceOffset ?? (tracks[track].target - ownOffset)
        guard abs(ownOffset + common - tracks[track].floor) <= Self.plausibleSkew.wholeNanoseconds else {
            // The source's clock was set, or it lies: the track keeps its place, and the others are compared with the new clock from here.
            sourceOffset = tracks[track].target - ownOffset
            tracks[track].ntpMinusMedia = ownOffset
            return
        }
        tracks[track].ntpMinusMedia = ownOffset
        sourceOffset = common
        followLocalClock(now: Int64(clamping: arrival.nanoseconds))
        aimTracks()
    }

    /// The next packet of every track may have any timestamp: packets were lost or the source was replaced. Its place then comes from
    /// its arrival and from what is foreseen, if its timestamp disagrees with that by more than `largestStepBack`.
    package mutating func expectDiscontinuity() {
        for index in tracks.indices { tracks[index].isAfterDiscontinuity = true }
    }

    /// The source's wall clock at what is presented at `time`, from the track's sender reports; nil before the first, and when the
    /// source's clock was never set (before the year 2000).
    package func captureTime(track: Int, presentedAt time: MonotonicTime) -> WallTime? {
        guard tracks.indices.contains(track), let sourceTime = tracks[track].sourceTime(presentedAt: Int64(clamping: time.nanoseconds))
        else { return nil }
        let year2000: Int64 = 946_684_800_000_000_000
        return sourceTime < year2000 ? nil : WallTime(nanoseconds: sourceTime)
    }

    /// Moves the common timeline towards the place where the least delayed packet is presented at its arrival.
    private mutating func followLocalClock(now: Int64) {
        guard let common = sourceOffset else { return }
        let residuals = tracks.compactMap { track in track.ntpMinusMedia.map { track.floor - ($0 + common) } }
        guard let residual = residuals.min() else { return }
        let limit = max(0, now - sourceOffsetMovedAt) / Self.driftDivisor
        if sourceOffsetMovedAt != 0 { sourceOffset = common + min(limit, max(-limit, residual)) }
        sourceOffsetMovedAt = now
    }

    private mutating func aimTracks() {
        guard let common = sourceOffset else { return }
        for index in tracks.indices {
            guard let offset = tracks[index].ntpMinusMedia else { continue }
            let aim = offset + common
            guard abs(aim - tracks[index].floor) <= Self.plausibleSkew.wholeNanoseconds else { continue }
            tracks[index].follow(report: aim)
        }
    }

    /// NTP time (RFC 3550 section 4) as nanoseconds since 1970. Seconds below 2^31 belong to the era that begins in 2036 (RFC 4330 section 3).
    private static func nanoseconds(ntp: UInt64) -> Int64 {
        let seconds = Int64(ntp >> 32)
        let era: Int64 = seconds < 1 << 31 ? 1 << 32 : 0
        let fraction = Int64(((ntp & 0xFFFF_FFFF) * 1_000_000_000) >> 32)
        return (seconds + era - 2_208_988_800) * 1_000_000_000 + fraction
    }
}

/// One track: local time = media time + offset.
private struct Track: Sendable {
    let rate: Int64
    /// Wanted offset, ns.
    private(set) var target: Int64 = 0
    /// NTP time minus media time, from the newest report.
    var ntpMinusMedia: Int64?
    var isAfterDiscontinuity = false
    private var offset: Int64 = 0
    private var lastTimestamp: UInt32?
    private var unwrapped: Int64 = 0
    private var lastPresented: Int64?
    private var presentedMedia: Int64 = 0
    private var followsReports = false
    private var arrivals = ArrivalFloor()
    /// Before the first packet, also after a discontinuity: a timestamp, and when it is due by the least delayed packet that was foreseen.
    private var foreseen: (timestamp: UInt32, due: Int64)?

    init(rate: Int64) { self.rate = rate }

    /// The smallest difference between arrival and media time that was seen lately.
    var floor: Int64 { arrivals.value ?? target }

    /// Media time of a timestamp close to the newest one; nil before the first packet.
    func mediaTime(near timestamp: UInt32) -> Int64? {
        guard let lastTimestamp else { return nil }
        return nanoseconds(unwrapped + Int64(Int32(bitPattern: timestamp &- lastTimestamp)))
    }

    /// NTP time of what is presented at `time`, in nanoseconds since 1970; nil without a report.
    func sourceTime(presentedAt time: Int64) -> Int64? {
        ntpMinusMedia.map { (time - offset) &+ $0 }
    }

    mutating func foresee(_ timestamp: UInt32, arrival: Int64) {
        guard lastTimestamp == nil || isAfterDiscontinuity else { return }
        let known = foreseen ?? (timestamp, arrival)
        foreseen = (known.timestamp, min(known.due, arrival - distance(from: known.timestamp, to: timestamp)))
    }

    mutating func observe(_ timestamp: UInt32, arrival: Int64) {
        guard let lastTimestamp else {
            anchor(timestamp, at: beginning(timestamp, arrival: arrival))
            return
        }
        let step = Int64(Int32(bitPattern: timestamp &- lastTimestamp))
        unwrapped += step
        self.lastTimestamp = timestamp
        let due = isAfterDiscontinuity ? resumption(timestamp, arrival: arrival) : arrival
        if hasLeapt(step: nanoseconds(step), due: due) {
            anchor(timestamp, at: due)
        } else {
            arrivals.add(arrival - nanoseconds(unwrapped), at: arrival)
            if !followsReports { target = floor }
        }
        isAfterDiscontinuity = false
        foreseen = nil
    }

    mutating func follow(report aim: Int64) {
        followsReports = true
        target = aim
    }

    mutating func present() -> Int64 {
        let media = nanoseconds(unwrapped)
        let passed = max(0, media - presentedMedia)
        if lastPresented != nil {
            let limit = passed / RTPClock.slewDivisor
            offset += min(limit, max(-limit, target - offset))
        }
        presentedMedia = max(presentedMedia, media)
        let time = max(lastPresented ?? .min, media + offset)
        lastPresented = time
        return time
    }

    /// When the first packet is due: at its arrival, or earlier if the packets after it tell that it was late.
    private func beginning(_ timestamp: UInt32, arrival: Int64) -> Int64 {
        guard let foreseen else { return arrival }
        let due = foreseen.due + distance(from: foreseen.timestamp, to: timestamp)
        return (0...RTPClock.plausibleSkew.wholeNanoseconds).contains(arrival - due) ? due : arrival
    }

    /// When the first packet after a discontinuity is due: at its arrival, or as much earlier as the packets after it tell, behind what was presented.
    private func resumption(_ timestamp: UInt32, arrival: Int64) -> Int64 {
        guard let foreseen, let lastPresented else { return arrival }
        let due = foreseen.due + distance(from: foreseen.timestamp, to: timestamp)
        return lastPresented < due && due < arrival ? due : arrival
    }

    private func hasLeapt(step: Int64, due: Int64) -> Bool {
        let lead = nanoseconds(unwrapped) + offset - due
        let stepBack = RTPClock.largestStepBack.wholeNanoseconds
        if step < -stepBack || lead > RTPClock.largestLead.wholeNanoseconds { return true }
        return isAfterDiscontinuity && abs(lead) > stepBack
    }

    /// Puts the newest packet at its arrival, and forgets everything that linked older packets to the local clock. Unwrapping begins
    /// again too, so that no row of leaps can overflow it.
    private mutating func anchor(_ timestamp: UInt32, at arrival: Int64) {
        lastTimestamp = timestamp
        unwrapped = Int64(timestamp)
        target = arrival - nanoseconds(unwrapped)
        offset = target
        presentedMedia = nanoseconds(unwrapped)
        ntpMinusMedia = nil
        followsReports = false
        foreseen = nil
        arrivals = ArrivalFloor()
        arrivals.add(target, at: arrival)
    }

    private func distance(from earlier: UInt32, to later: UInt32) -> Int64 {
        nanoseconds(Int64(Int32(bitPattern: later &- earlier)))
    }

    /// Whole seconds first: the product of days of ticks and 10^9 would not fit.
    private func nanoseconds(_ ticks: Int64) -> Int64 {
        ticks / rate * 1_000_000_000 + ticks % rate * 1_000_000_000 / rate
    }
}

/// The minimum over the last 10 to 20 seconds, in two windows.
private struct ArrivalFloor: Sendable {
    private static let window: Int64 = 10_000_000_000
    private var older: Int64?
    private var newer: Int64?
    private var began: Int64 = 0

    var value: Int64? {
        guard let older, let newer else { return newer ?? older }
        return min(older, newer)
    }

    mutating func add(_ difference: Int64, at now: Int64) {
        if newer != nil, now - began >= Self.window {
            older = newer
            newer = nil
        }
        if newer == nil { began = now }
        newer = min(newer ?? difference, difference)
    }
}

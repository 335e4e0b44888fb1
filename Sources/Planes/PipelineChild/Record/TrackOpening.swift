internal import Bridge
internal import RTP

/// Holds a track's first packets back for a moment, also after a discontinuity, so that the clock can tell by those that follow how late the first of
/// them came. Pure.
struct TrackOpening {
    /// A datagram that waits.
    struct Held {
        var header: MediaDatagram
        var payload: [UInt8]

        /// Of an RTP packet; nil for what is none.
        var timestamp: UInt32? { payload.withUnsafeBytes { RTPPacketView(reading: $0)?.timestamp } }
    }

    /// Longer than a handshake holds packets back, and less than what a crash may cost, together with the interleaver's patience. ns.
    static let length: UInt64 = 300_000_000

    private var held: [Held] = []
    private var endsAt: UInt64?
    private var isOver = false

    /// True when the datagram is held back until `end` gives it out.
    mutating func hold(_ header: MediaDatagram, _ payload: UnsafeRawBufferPointer, now: UInt64) -> Bool {
        guard !isOver else { return false }
        endsAt = endsAt ?? now + Self.length
        held.append(Held(header: header, payload: Array(payload)))
        return true
    }

    /// The next packets are first ones again; one that lasts goes on.
    mutating func reopen() {
        guard isOver else { return }
        (isOver, endsAt) = (false, nil)
    }

    /// Everything that was held back, in its order, once; nil as long as the opening lasts, and after it.
    mutating func end(now: UInt64) -> [Held]? {
        guard !isOver, let endsAt, now >= endsAt else { return nil }
        isOver = true
        defer { held = [] }
        return held
    }
}

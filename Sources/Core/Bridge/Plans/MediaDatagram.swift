package import BridgeModel

/// The header of each datagram on a media socket between hub and child; an RTP or RTCP packet may follow it.
///
/// Sixteen bytes, big-endian: version (1), kind, track, flags, sequence (32 bits, counts datagrams of this socket and direction),
/// time (64 bits: when the packet arrived at the bridge's edge, CLOCK_MONOTONIC in nanoseconds).
package struct MediaDatagram: Sendable, Equatable {
    package var kind: Kind
    package var track: UInt8
    package var flags: Flags
    package var sequence: UInt32
    package var time: MonotonicTime

    package init(kind: Kind, track: UInt8, flags: Flags = [], sequence: UInt32, time: MonotonicTime) {
        self.kind = kind
        self.track = track
        self.flags = flags
        self.sequence = sequence
        self.time = time
    }

    /// Bytes of the header.
    package static let headerSize = 16
    /// Header and the largest packet that a path of ours carries (an Ethernet jumbo frame is never used; RTP stays under 1,500 bytes, RTCP too).
    package static let maximumSize = 16 + 2048
    private static let version: UInt8 = 1

    /// What follows the header, and in which direction it goes.
    package enum Kind: UInt8, Sendable {
        /// Towards the sink: one RTP packet, in order.
        case rtp = 0
        /// Towards the sink: one RTCP sender report of the track (RFC 3550 section 6.4.1).
        case senderReport = 1
        /// Towards the source: the sink needs a keyframe. Nothing follows.
        case keyframeRequest = 2
        /// Towards the sink: the track is over. Nothing follows.
        case end = 3
    }

    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Packets before this one were dropped by the hub: the sink must wait for a keyframe.
        package static let discontinuity = Flags(rawValue: 1)
        /// The packet comes from the GOP cache, faster than real time; its time is still its arrival. With `SubscriptionTiming.live` its RTP
        /// timestamp is pressed together towards the newest one: a viewer's child sends such packets as fast as its pacer allows, gives them the
        /// present as presentation time and keeps them out of its clock. With `.recorded` timestamp and time are true and belong into the clock.
        package static let cached = Flags(rawValue: 2)
    }

    /// Reads a header; nil when the bytes are short, of another version or of an unknown kind.
    package init?(reading bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerSize, bytes[0] == Self.version, let kind = Kind(rawValue: bytes[1]) else { return nil }
        self.kind = kind
        track = bytes[2]
        flags = Flags(rawValue: bytes[3])
        sequence = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        time = MonotonicTime(nanoseconds: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    /// Writes the header into the first sixteen bytes of `bytes`.
    package func write(to bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count >= Self.headerSize, "a datagram buffer holds its header")
        bytes[0] = Self.version
        bytes[1] = kind.rawValue
        bytes[2] = track
        bytes[3] = flags.rawValue
        bytes.storeBytes(of: sequence.bigEndian, toByteOffset: 4, as: UInt32.self)
        bytes.storeBytes(of: time.nanoseconds.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
}

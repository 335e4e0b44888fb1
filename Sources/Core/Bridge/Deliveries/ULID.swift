package import BridgeModel

/// A sortable id of 128 bits: 48 of milliseconds since the epoch, 80 of randomness, as 26 digits of Crockford's base 32.
package struct ULID: Hashable, Sendable, CustomStringConvertible {
    private static let digits = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    /// 26 digits of 5 bits hold 130; the first digit is 0 to 7.
    private static let length = 26

    private let value: UInt128

    /// A moment before 1970 counts as 1970, one after the year 10889 as that year.
    package init(at moment: WallTime, using generator: inout some RandomNumberGenerator) {
        let milliseconds = UInt128(UInt64(clamping: moment.milliseconds) & 0xFFFF_FFFF_FFFF)
        let random = UInt128(generator.next()) << 16 | UInt128(UInt16.random(in: .min ... .max, using: &generator))
        value = milliseconds << 80 | random
    }

    /// Upper-case text; ids of later milliseconds sort after earlier ones.
    package var description: String {
        let text = (0..<Self.length).map { place in
            Self.digits[Int(value >> UInt128(5 * (Self.length - 1 - place)) & 0x1F)]
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension DeliveryID {
    /// A new webhook's id, `msg_<ULID>`: the receiver's idempotency key.
    package static func webhook(at moment: WallTime, using generator: inout some RandomNumberGenerator) -> DeliveryID {
        DeliveryID("msg_\(ULID(at: moment, using: &generator))")
    }

    /// A new upload's id, `upl_<ULID>`.
    package static func upload(at moment: WallTime, using generator: inout some RandomNumberGenerator) -> DeliveryID {
        DeliveryID("upl_\(ULID(at: moment, using: &generator))")
    }
}

extension EventID {
    private static let prefix = "evt_"

    /// A new event's id, `evt_<ULID>`.
    package static func make(at moment: WallTime, using generator: inout some RandomNumberGenerator) -> EventID {
        EventID(prefix + ULID(at: moment, using: &generator).description)
    }

    /// The id of the event's webhook, `msg_` and the same ULID: who meets the event in the log knows the webhook, and the other way round.
    package var webhook: DeliveryID {
        DeliveryID("msg_" + (rawValue.hasPrefix(Self.prefix) ? String(rawValue.dropFirst(Self.prefix.count)) : rawValue))
    }
}

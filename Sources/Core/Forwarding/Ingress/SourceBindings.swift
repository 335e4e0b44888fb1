internal import RTP

/// Which SSRC is which encoding's media, or its retransmissions. Each encoding has one of each at a time, so the table cannot grow, whatever a publisher sends.
struct SourceBindings: Sendable {
    /// What an SSRC stands for.
    struct Target: Sendable, Equatable {
        var encoding: Int
        var isRetransmission: Bool
    }

    private struct Slot: Sendable {
        var ssrc: UInt32 = 0
        var isBound = false
    }

    /// Media and retransmissions of each encoding in turn.
    private var slots: [Slot]
    /// Where the last packet was found: packets come in runs.
    private var lastFound = 0

    init(encodingCount: Int) { slots = Array(repeating: Slot(), count: 2 * encodingCount) }

    /// What `ssrc` stands for; nil when it is new.
    mutating func target(of ssrc: UInt32) -> Target? {
        if slots.indices.contains(lastFound), slots[lastFound].isBound, slots[lastFound].ssrc == ssrc { return Self.target(lastFound) }
        guard let index = slots.firstIndex(where: { $0.isBound && $0.ssrc == ssrc }) else { return nil }
        lastFound = index
        return Self.target(index)
    }

    /// The SSRC of an encoding's media or retransmissions; nil while it is not known.
    func ssrc(of target: Target) -> UInt32? {
        let slot = slots[Self.index(target)]
        return slot.isBound ? slot.ssrc : nil
    }

    /// From now on `ssrc` is what `target` says, and nothing else.
    mutating func bind(_ ssrc: UInt32, to target: Target) {
        unbind(ssrc)
        slots[Self.index(target)] = Slot(ssrc: ssrc, isBound: true)
    }

    /// `ssrc` has left.
    mutating func unbind(_ ssrc: UInt32) {
        for index in slots.indices where slots[index].ssrc == ssrc { slots[index].isBound = false }
    }

    private static func index(_ target: Target) -> Int { 2 * target.encoding + (target.isRetransmission ? 1 : 0) }

    private static func target(_ index: Int) -> Target { Target(encoding: index / 2, isRetransmission: index % 2 == 1) }
}

package import BridgeModel

/// Polices what a socket sends, whatever it means: its message rate and its bad messages.
package struct FramePolice: Sendable {
    private var rate: MessageRate
    private var badMessages: SlidingCount

    package init(limits: SocketLimits, now: MonotonicTime) {
        rate = MessageRate(limits: limits, now: now)
        badMessages = SlidingCount(limit: limits.badMessages, window: limits.badMessageWindow)
    }

    /// Counts a frame before it is decoded; throws what becomes of one that is too many.
    package mutating func admit(now: MonotonicTime) throws(RTMFault) {
        let error = RTMError(.rateLimited, "too many messages; send fewer than the documented rate")
        switch rate.admit(now: now) {
        case .admitted: return
        case .refused: throw RTMFault(error, inReplyTo: nil)
        case .flood: throw RTMFault(error, inReplyTo: nil, close: .rateExceeded)
        }
    }

    /// The fault with its close code, which is 4400 when this was one bad message too many.
    package mutating func counted(_ fault: RTMFault, now: MonotonicTime) -> RTMFault {
        guard fault.isBadMessage, badMessages.add(now: now) else { return fault }
        var fault = fault
        fault.close = .badMessages
        return fault
    }
}

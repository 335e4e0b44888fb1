/// What a WebSocket brings.
package enum WebSocketEvent: Sendable, Equatable {
    /// A whole text message, valid UTF-8.
    case text(String)
    /// A whole binary message.
    case binary([UInt8])
    /// The end, once and last: the peer's close code, ours when we closed first, 1005 for a close frame without a code, 1006 when the
    /// connection was lost without a close frame (RFC 6455, 7.1.5).
    case closed(code: UInt16)
}

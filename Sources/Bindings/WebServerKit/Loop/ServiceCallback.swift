internal import CWebSockets

/// Names one socket of a `SocketHost`. It travels through libwebsockets as the opaque pointer of the socket, so nothing is retained there.
struct ConnectionID: Hashable, Sendable {
    /// Never zero.
    let number: UInt

    /// The listening socket.
    static let listener = ConnectionID(number: 1)
    /// The first number for connections.
    static let firstConnection: UInt = 2

    var opaquePointer: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: number) }

    fileprivate init?(_ opaque: UnsafeMutableRawPointer?) {
        guard let opaque else { return nil }
        number = UInt(bitPattern: opaque)
    }

    init(number: UInt) { self.number = number }
}

/// The one callback of every socket. libwebsockets calls it on the loop's thread only; a result below zero closes the socket.
func serviceCallback(
    wsi: OpaquePointer?, reason: lws_callback_reasons, user: UnsafeMutableRawPointer?, input: UnsafeMutableRawPointer?, length: Int
) -> Int32 {
    switch reason {
    case LWS_CALLBACK_RAW_RX, LWS_CALLBACK_RAW_WRITEABLE, LWS_CALLBACK_RAW_RX_FILE, LWS_CALLBACK_RAW_CONNECTED, LWS_CALLBACK_RAW_CLOSE,
        LWS_CALLBACK_RAW_CLOSE_FILE, LWS_CALLBACK_WSI_DESTROY, LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        break
    default: return 0
    }
    guard let wsi, let id = ConnectionID(lws_get_opaque_user_data(wsi)), let owner = lws_context_user(lws_get_context(wsi)) else {
        return 0
    }
    let host = Unmanaged<SocketHost>.fromOpaque(owner).takeUnretainedValue()
    // unsafe: read during this call only, on the thread that is the host's executor
    nonisolated(unsafe) let bytes = UnsafeRawBufferPointer(start: input, count: input == nil ? 0 : length)
    return host.assumeIsolated { host in
        switch reason {
        case LWS_CALLBACK_RAW_RX: host.received(bytes, by: id)
        case LWS_CALLBACK_RAW_WRITEABLE: host.becameWritable(id)
        case LWS_CALLBACK_RAW_CONNECTED: host.connected(id)
        case LWS_CALLBACK_RAW_RX_FILE: host.acceptConnections()
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: host.failedToConnect(id, reason: String(decoding: bytes, as: UTF8.self))
        default: host.closed(id)
        }
        return 0
    }
}

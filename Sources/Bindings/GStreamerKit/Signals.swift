internal import CGStreamer

/// A connected signal handler. It lives until `disconnect` or the object's end; the closure is released then.
package struct SignalConnection: Sendable {
    private let object: Object
    private let id: gulong

    fileprivate init(object: Object, id: gulong) {
        self.object = object
        self.id = id
    }

    /// Disconnects; a handler that runs now on another thread is not waited for. A second call does nothing.
    package func disconnect() {
        if g_signal_handler_is_connected(object.raw, id) != 0 { g_signal_handler_disconnect(object.raw, id) }
    }
}

extension Object {
    /// Calls `body` with this object when the property changes, on the thread that changed it. A body that captured the object itself
    /// would keep it alive for ever.
    @discardableResult
    package func onChange(of property: String, _ body: @escaping @Sendable (Object) -> Void) -> SignalConnection {
        let trampoline: @convention(c) (gpointer?, gpointer?, gpointer?) -> Void = { object, _, context in
            guard let object else { return }
            SignalBody<Object>.run(context, Object(owning: g_object_ref(object)))
        }
        return connect("notify::" + property, unsafeBitCast(trampoline, to: GCallback.self), SignalBody<Object>(body))
    }

    fileprivate func connect<Argument>(_ signal: String, _ callback: GCallback?, _ body: SignalBody<Argument>) -> SignalConnection {
        let context = Unmanaged.passRetained(body).toOpaque()
        let id = g_signal_connect_data(raw, signal, callback, context, releaseSignalBody, GConnectFlags(rawValue: 0))
        return SignalConnection(object: self, id: id)
    }
}

extension Element {
    /// Calls `body` for each pad that appears (requested ones too), on the thread that adds it.
    @discardableResult
    package func onPadAdded(_ body: @escaping @Sendable (Pad) -> Void) -> SignalConnection {
        let trampoline: @convention(c) (gpointer?, UnsafeMutablePointer<GstPad>?, gpointer?) -> Void = { _, pad, context in
            guard let pad else { return }
            SignalBody<Pad>.run(context, Pad(retaining: pad))
        }
        return connect("pad-added", unsafeBitCast(trampoline, to: GCallback.self), SignalBody<Pad>(body))
    }

    /// Calls `body` for each element that is added at any depth of this bin, on the thread that adds it, before it does anything.
    @discardableResult
    package func onElementAdded(_ body: @escaping @Sendable (Element) -> Void) -> SignalConnection {
        typealias Pointer = UnsafeMutablePointer<GstElement>
        let trampoline: @convention(c) (gpointer?, gpointer?, Pointer?, gpointer?) -> Void = { _, _, element, context in
            guard let element else { return }
            SignalBody<Element>.run(context, Element(retaining: element))
        }
        return connect("deep-element-added", unsafeBitCast(trampoline, to: GCallback.self), SignalBody<Element>(body))
    }

    /// Calls `body` with each local candidate of a webrtcbin: the m-line's index and the candidate text. On webrtcbin's thread.
    @discardableResult
    package func onIceCandidate(_ body: @escaping @Sendable (_ lineIndex: UInt32, _ candidate: String) -> Void) -> SignalConnection {
        let trampoline: @convention(c) (gpointer?, guint, UnsafePointer<CChar>?, gpointer?) -> Void = { _, line, text, context in
            guard let text else { return }
            SignalBody<(UInt32, String)>.run(context, (line, String(cString: text)))
        }
        return connect(
            "on-ice-candidate", unsafeBitCast(trampoline, to: GCallback.self), SignalBody<(UInt32, String)> { body($0.0, $0.1) })
    }
}

private final class SignalBody<Argument> {
    private let body: @Sendable (Argument) -> Void

    init(_ body: @escaping @Sendable (Argument) -> Void) { self.body = body }

    static func run(_ context: gpointer?, _ argument: Argument) {
        guard let context else { return }
        Unmanaged<SignalBody<Argument>>.fromOpaque(context).takeUnretainedValue().body(argument)
    }
}

private let releaseSignalBody: @convention(c) (gpointer?, UnsafeMutablePointer<GClosure>?) -> Void = { context, _ in
    guard let context else { return }
    Unmanaged<AnyObject>.fromOpaque(context).release()
}

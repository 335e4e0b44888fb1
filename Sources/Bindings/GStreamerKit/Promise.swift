internal import CGStreamer
internal import CGStreamerShims
internal import Synchronization

/// The once-only end of a GstPromise: whatever becomes of the promise (reply, interruption, expiry, or being forgotten), the waiting task
/// is resumed exactly once.
enum Promise {
    typealias Outcome = Result<String, GStreamerError>

    /// Hands a fresh promise to `emit` and waits for its reply. The text of the description in `field` of the reply is the result; empty
    /// when `field` is nil. The reply comes on webrtcbin's thread.
    static func reply(
        field: String?, of action: String, _ emit: (UnsafeMutablePointer<GstPromise>) -> Void
    ) async throws(GStreamerError) -> String {
        let outcome = await withCheckedContinuation { (continuation: CheckedContinuation<Outcome, Never>) in
            let waiter = PromiseWaiter(action: action, field: field, continuation)
            let context = Unmanaged.passRetained(waiter).toOpaque()
            guard let promise = gst_promise_new_with_change_func(readReply, context, releaseWaiter) else { return }
            emit(promise)
            gst_promise_unref(promise)  // webrtcbin holds its own reference until it has replied
        }
        return try outcome.get()
    }
}

private final class PromiseWaiter: Sendable {
    private let action: String
    private let field: String?
    private let waiting: Mutex<CheckedContinuation<Promise.Outcome, Never>?>

    init(action: String, field: String?, _ continuation: CheckedContinuation<Promise.Outcome, Never>) {
        self.action = action
        self.field = field
        waiting = Mutex(continuation)
    }

    deinit { resume(.failure(GStreamerError(.interrupted, "\(action) was dropped"))) }

    func read(_ promise: UnsafeMutablePointer<GstPromise>) {
        guard gst_promise_wait(promise) == GST_PROMISE_RESULT_REPLIED else {
            return resume(.failure(GStreamerError(.interrupted, "\(action) was interrupted")))
        }
        let reply = gst_promise_get_reply(promise)
        if let text = vgst_reply_error(reply) {
            defer { g_free(text) }
            return resume(.failure(GStreamerError(.sessionDescription, "\(action): \(String(cString: text))")))
        }
        guard let field else { return resume(.success("")) }
        guard let description = vgst_reply_description(reply, field) else {
            return resume(.failure(GStreamerError(.sessionDescription, "\(action) gave no \(field)")))
        }
        defer { gst_webrtc_session_description_free(description) }
        resume(.success(sdpText(of: description)))
    }

    private func resume(_ outcome: Promise.Outcome) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: outcome)
    }
}

/// The description as SDP text.
func sdpText(of description: UnsafeMutablePointer<GstWebRTCSessionDescription>) -> String {
    guard let text = gst_sdp_message_as_text(description.pointee.sdp) else { return "" }
    defer { g_free(text) }
    return String(cString: text)
}

private let readReply: @convention(c) (UnsafeMutablePointer<GstPromise>?, gpointer?) -> Void = { promise, context in
    guard let promise, let context else { return }
    Unmanaged<PromiseWaiter>.fromOpaque(context).takeUnretainedValue().read(promise)
}

private let releaseWaiter: @convention(c) (gpointer?) -> Void = { context in
    guard let context else { return }
    Unmanaged<PromiseWaiter>.fromOpaque(context).release()
}

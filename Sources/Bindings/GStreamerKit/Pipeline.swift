internal import CGStreamer
internal import CGStreamerShims

/// What a pipeline says about itself.
package enum BusMessage: Sendable, Equatable {
    /// An element cannot go on. `element` is the factory's name (or the element's, without a factory).
    case error(element: String, code: Int32, domain: String, text: String)
    case warning(element: String, text: String)
    /// Every sink saw end-of-stream.
    case endOfStream
    /// An element's latency changed: call `Pipeline.recalculateLatency` on the control thread.
    case latency
    /// A segment that was asked for with a segment seek has been played.
    case segmentDone
}

/// A top-level pipeline whose bus is always drained: each message is read on the thread that posts it and never queued.
package final class Pipeline: Sendable {
    /// The pipeline itself, for state changes and events.
    package let element: Element
    private var bin: UnsafeMutablePointer<GstBin> { element.raw.assumingMemoryBound(to: GstBin.self) }

    /// Makes an empty pipeline. `onMessage` runs on whichever thread posts the message, streaming threads included: it copies, posts to a
    /// loop and returns.
    package init(name: String? = nil, onMessage: @escaping @Sendable (BusMessage) -> Void) throws(GStreamerError) {
        guard let made = gst_pipeline_new(name) else { throw GStreamerError(.missingElement, "gst_pipeline_new") }
        element = Element(owning: gst_object_ref_sink(made))
        guard let bus = gst_element_get_bus(element.handle) else { throw GStreamerError(.missingElement, "the pipeline has no bus") }
        gst_bus_set_sync_handler(bus, readMessage, Unmanaged.passRetained(BusReader(onMessage)).toOpaque(), releaseReader)
        gst_object_unref(bus)
    }

    /// Adds elements, in NULL state.
    package func add(_ elements: Element...) throws(GStreamerError) { try add(elements) }

    /// Adds elements, in NULL state.
    package func add(_ elements: [Element]) throws(GStreamerError) {
        for element in elements where gst_bin_add(bin, element.handle) == 0 {
            throw GStreamerError(.link, "\(element.name) cannot be added to the pipeline")
        }
    }

    /// Takes an element out; it must be in NULL state.
    package func remove(_ element: Element) { gst_bin_remove(bin, element.handle) }

    /// Changes state and waits. See `Element.setState`.
    package func setState(_ state: Element.State, timeout: ClockTime = .seconds(5)) throws(GStreamerError) {
        try element.setState(state, timeout: timeout)
    }

    /// Spreads a changed latency; the answer to `BusMessage.latency`, on the control thread.
    package func recalculateLatency() { gst_bin_recalculate_latency(bin) }

    /// Running time now: what live buffers are stamped with. Nil before it plays.
    package var runningTime: ClockTime? { ClockTime(gst_element_get_current_running_time(element.handle)) }

    /// Turns the bus deaf and releases the message handler, after the pipeline is in NULL state.
    package func detachBus() {
        guard let bus = gst_element_get_bus(element.handle) else { return }
        gst_bus_set_sync_handler(bus, nil, nil, nil)
        gst_bus_set_flushing(bus, 1)
        gst_object_unref(bus)
    }
}

private final class BusReader {
    let deliver: @Sendable (BusMessage) -> Void
    init(_ deliver: @escaping @Sendable (BusMessage) -> Void) { self.deliver = deliver }
}

private let readMessage: @convention(c) (UnsafeMutablePointer<GstBus>?, UnsafeMutablePointer<GstMessage>?, gpointer?) -> GstBusSyncReply = {
    _, message, context in
    guard let message, let context else { return GST_BUS_PASS }
    if let read = BusMessage(message) { Unmanaged<BusReader>.fromOpaque(context).takeUnretainedValue().deliver(read) }
    gst_message_unref(message)  // a sync handler that drops a message takes its reference over
    return GST_BUS_DROP
}

private let releaseReader: @convention(c) (gpointer?) -> Void = { context in
    guard let context else { return }
    Unmanaged<BusReader>.fromOpaque(context).release()
}

extension BusMessage {
    fileprivate init?(_ message: UnsafeMutablePointer<GstMessage>) {
        switch message.pointee.type {
        case GST_MESSAGE_ERROR:
            var error: UnsafeMutablePointer<GError>?
            gst_message_parse_error(message, &error, nil)
            defer { g_clear_error(&error) }
            guard let error else { return nil }
            let domain = g_quark_to_string(error.pointee.domain).map { String(cString: $0) } ?? ""
            self = .error(
                element: sourceName(message), code: error.pointee.code, domain: domain, text: String(cString: error.pointee.message))
        case GST_MESSAGE_WARNING:
            var error: UnsafeMutablePointer<GError>?
            gst_message_parse_warning(message, &error, nil)
            defer { g_clear_error(&error) }
            guard let error else { return nil }
            self = .warning(element: sourceName(message), text: String(cString: error.pointee.message))
        case GST_MESSAGE_EOS: self = .endOfStream
        case GST_MESSAGE_LATENCY: self = .latency
        case GST_MESSAGE_SEGMENT_DONE: self = .segmentDone
        default: return nil
        }
    }
}

private func sourceName(_ message: UnsafeMutablePointer<GstMessage>) -> String {
    guard let source = message.pointee.src, vgst_is_element(source) != 0 else { return "pipeline" }
    let element = Element(retaining: UnsafeMutableRawPointer(source).assumingMemoryBound(to: GstElement.self))
    let factory = element.factoryName
    return factory.isEmpty ? element.name : factory
}

internal import CGStreamer
internal import CGStreamerShims

/// A GStreamer element. Holds one reference; the bin that it is added to holds another. Callable from any thread.
package final class Element: Object, @unchecked Sendable {
    // Unchecked: as its base class.
    var handle: UnsafeMutablePointer<GstElement> { raw.assumingMemoryBound(to: GstElement.self) }

    /// Makes an element. Throws `missing_element` when the factory is not installed or not on the allow-list.
    package init(_ factory: String, name: String? = nil) throws(GStreamerError) {
        guard let made = gst_element_factory_make(factory, name) else {
            throw GStreamerError(.missingElement, "no element \(factory): not installed or not allowed")
        }
        super.init(owning: gst_object_ref_sink(made))
    }

    override init(owning raw: UnsafeMutableRawPointer) { super.init(owning: raw) }

    /// Wraps a borrowed pointer with a reference of its own.
    convenience init(retaining pointer: UnsafeMutablePointer<GstElement>) {
        self.init(owning: gst_object_ref(pointer))
    }

    /// The element's name in its bin.
    package var name: String {
        let text = gst_object_get_name(raw.assumingMemoryBound(to: GstObject.self))
        defer { g_free(text) }
        return text.map { String(cString: $0) } ?? ""
    }

    /// The name of the factory that made it; empty when none did.
    package var factoryName: String {
        guard let factory = gst_element_get_factory(handle) else { return "" }
        let text = gst_object_get_name(UnsafeMutablePointer<GstObject>(factory))
        defer { g_free(text) }
        return text.map { String(cString: $0) } ?? ""
    }

    /// A pad that is always there (or was already added).
    package func pad(_ name: String) throws(GStreamerError) -> Pad {
        guard let pad = gst_element_get_static_pad(handle, name) else {
            throw GStreamerError(.missingPad, "\(self.name) has no pad \(name)")
        }
        return Pad(owning: pad)
    }

    /// Requests a pad of a template, by template name or by a full name like `sink_0`.
    package func requestPad(_ name: String, caps: Caps? = nil) throws(GStreamerError) -> Pad {
        let pad: UnsafeMutablePointer<GstPad>?
        if let caps {
            guard let template = gst_element_class_get_pad_template(elementClass, templateName(of: name)) else {
                throw GStreamerError(.missingPad, "\(self.name) has no pad template for \(name)")
            }
            pad = gst_element_request_pad(handle, template, name, caps.handle)
        } else {
            pad = gst_element_request_pad_simple(handle, name)
        }
        guard let pad else { throw GStreamerError(.missingPad, "\(self.name) gave no pad \(name)") }
        return Pad(owning: pad)
    }

    /// Gives a requested pad back.
    package func release(_ pad: Pad) { gst_element_release_request_pad(handle, pad.handle) }

    /// Links to the next element, through compatible pads, filtered by `caps`.
    package func link(to next: Element, caps: Caps? = nil) throws(GStreamerError) {
        guard gst_element_link_filtered(handle, next.handle, caps?.handle) != 0 else {
            throw GStreamerError(.link, "\(name) and \(next.name) cannot be linked")
        }
    }

    /// Links the elements in a row.
    package static func chain(_ elements: [Element]) throws(GStreamerError) {
        for (left, right) in zip(elements, elements.dropFirst()) { try left.link(to: right) }
    }

    /// Takes the state of its bin.
    package func syncStateWithParent() throws(GStreamerError) {
        guard gst_element_sync_state_with_parent(handle) != 0 else {
            throw GStreamerError(.stateChange, "\(name) does not follow its bin's state")
        }
    }

    /// Keeps its state when the bin changes state (`locked`), or follows again.
    package func setStateLocked(_ isLocked: Bool) { gst_element_set_locked_state(handle, isLocked ? 1 : 0) }

    /// The element of this name at any depth of this bin; nil when there is none or this is no bin.
    package func descendant(named name: String) -> Element? {
        guard vgst_is_bin(raw) != 0, let found = gst_bin_get_by_name(raw.assumingMemoryBound(to: GstBin.self), name) else { return nil }
        return Element(owning: UnsafeMutableRawPointer(found))
    }

    /// Asks for a state and waits for it. Throws `state_change` on failure or after `timeout`. Never from a streaming thread.
    package func setState(_ state: State, timeout: ClockTime = .seconds(5)) throws(GStreamerError) {
        var result = gst_element_set_state(handle, state.raw)
        if result == GST_STATE_CHANGE_ASYNC { result = gst_element_get_state(handle, nil, nil, GstClockTime(timeout.nanoseconds)) }
        switch result {
        case GST_STATE_CHANGE_SUCCESS, GST_STATE_CHANGE_NO_PREROLL: return
        case GST_STATE_CHANGE_ASYNC: throw GStreamerError(.stateChange, "\(name) did not become \(state) in time")
        default: throw GStreamerError(.stateChange, "\(name) could not become \(state)")
        }
    }

    /// Asks for a state and returns at once; whether it is reached shows on the bus.
    package func requestState(_ state: State) throws(GStreamerError) {
        guard gst_element_set_state(handle, state.raw) != GST_STATE_CHANGE_FAILURE else {
            throw GStreamerError(.stateChange, "\(name) could not become \(state)")
        }
    }

    /// Sends end-of-stream into the element: a source ends, a bin passes it to its sources.
    @discardableResult
    package func sendEndOfStream() -> Bool { gst_element_send_event(handle, gst_event_new_eos()) != 0 }

    /// Seeks to the beginning, flushing; false when the element cannot.
    @discardableResult
    package func seekToStart() -> Bool {
        let flags = GstSeekFlags(GST_SEEK_FLAG_FLUSH.rawValue | GST_SEEK_FLAG_KEY_UNIT.rawValue)
        return gst_element_seek_simple(handle, GST_FORMAT_TIME, flags, 0) != 0
    }

    /// The clock reading at running time zero, on the pipeline's clock.
    package var baseTime: ClockTime? { ClockTime(gst_element_get_base_time(handle)) }

    /// States of an element.
    package enum State: String, Sendable {
        case null, ready, paused, playing

        var raw: GstState {
            switch self {
            case .null: GST_STATE_NULL
            case .ready: GST_STATE_READY
            case .paused: GST_STATE_PAUSED
            case .playing: GST_STATE_PLAYING
            }
        }
    }

    private var elementClass: UnsafeMutablePointer<GstElementClass>? {
        UnsafeMutableRawPointer(raw.assumingMemoryBound(to: GTypeInstance.self).pointee.g_class)?
            .assumingMemoryBound(to: GstElementClass.self)
    }

    /// `sink_%u` for `sink_0`: the template's name of a numbered pad.
    private func templateName(of pad: String) -> String {
        guard let underscore = pad.lastIndex(of: "_"), pad[pad.index(after: underscore)...].allSatisfy(\.isNumber) else { return pad }
        return pad[...underscore] + "%u"
    }
}

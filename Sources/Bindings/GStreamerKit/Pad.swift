internal import CGStreamer
internal import CGStreamerShims

/// A pad of an element; holds one reference. Callable from any thread.
package final class Pad: Object, @unchecked Sendable {
    // Unchecked: as its base class.
    var handle: UnsafeMutablePointer<GstPad> { raw.assumingMemoryBound(to: GstPad.self) }

    init(owning pad: UnsafeMutablePointer<GstPad>) { super.init(owning: UnsafeMutableRawPointer(pad)) }

    convenience init(retaining pad: UnsafeMutablePointer<GstPad>) {
        self.init(owning: gst_object_ref(pad).assumingMemoryBound(to: GstPad.self))
    }

    /// The pad's name.
    package var name: String {
        let text = gst_object_get_name(raw.assumingMemoryBound(to: GstObject.self))
        defer { g_free(text) }
        return text.map { String(cString: $0) } ?? ""
    }

    /// True for a source pad: data leaves through it.
    package var isSource: Bool { gst_pad_get_direction(handle) == GST_PAD_SRC }

    /// True when it is linked to a peer.
    package var isLinked: Bool { gst_pad_is_linked(handle) != 0 }

    /// The caps that are negotiated now, nil before.
    package var currentCaps: Caps? { gst_pad_get_current_caps(handle).map(Caps.init(owning:)) }

    /// Links this source pad to a sink pad.
    package func link(to sink: Pad) throws(GStreamerError) {
        let result = gst_pad_link(handle, sink.handle)
        guard result == GST_PAD_LINK_OK else {
            throw GStreamerError(.link, "pads \(name) and \(sink.name) refuse each other (\(result.rawValue))")
        }
    }

    /// Sends an upstream request for a keyframe into this source pad (GstForceKeyUnit); webrtcbin turns it into PLI or FIR.
    @discardableResult
    package func requestKeyframe() -> Bool {
        gst_pad_send_event(handle, gst_video_event_new_upstream_force_key_unit(GstClockTime.max, 1, 0)) != 0
    }

    /// Asks upstream to play from the start to the end as one segment, without flushing: `BusMessage.segmentDone` comes at its end instead
    /// of end-of-stream, and running time goes on over a repetition. Into a source pad; false when upstream cannot seek.
    @discardableResult
    package func playSegmentFromStart() -> Bool {
        let seek = gst_event_new_seek(
            1, GST_FORMAT_TIME, GST_SEEK_FLAG_SEGMENT, GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1)
        return gst_pad_send_event(handle, seek) != 0
    }

    /// Sends end-of-stream into this sink pad.
    @discardableResult
    package func sendEndOfStream() -> Bool { gst_pad_send_event(handle, gst_event_new_eos()) != 0 }

    /// Calls `body` for each keyframe request that passes upstream through this pad and takes the request away. On the requester's thread;
    /// it must not wait.
    @discardableResult
    package func interceptKeyframeRequests(_ body: @escaping @Sendable () -> Void) -> PadProbe {
        addProbe(GST_PAD_PROBE_TYPE_EVENT_UPSTREAM) { info in
            guard let event = gst_pad_probe_info_get_event(info), gst_video_event_is_force_key_unit(event) != 0 else { return .pass }
            body()
            return .drop
        }
    }

    /// Calls `body` with the bytes of every buffer that passes. On the streaming thread; it must not wait. The bytes are valid for that
    /// call only; the answer says whether the buffer goes on.
    @discardableResult
    package func inspectBuffers(_ body: @escaping @Sendable (UnsafeRawBufferPointer) -> Verdict) -> PadProbe {
        let mask = GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER.rawValue | GST_PAD_PROBE_TYPE_BUFFER_LIST.rawValue)
        return addProbe(mask) { info in
            if let buffer = gst_pad_probe_info_get_buffer(info) { return withBytes(of: buffer, body) == .drop ? .drop : .pass }
            guard let list = gst_pad_probe_info_get_buffer_list(info) else { return .pass }
            var answer = ProbeAnswer.pass
            for index in 0..<gst_buffer_list_length(list) {
                guard let buffer = gst_buffer_list_get(list, index) else { continue }
                if withBytes(of: buffer, body) == .drop { answer = .drop }
            }
            return answer
        }
    }

    /// Lets buffers pass only while `isOpen` answers true; events always pass. On the streaming thread; it must not wait.
    @discardableResult
    package func gateBuffers(_ isOpen: @escaping @Sendable () -> Bool) -> PadProbe {
        let mask = GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER.rawValue | GST_PAD_PROBE_TYPE_BUFFER_LIST.rawValue)
        return addProbe(mask) { _ in isOpen() ? .pass : .drop }
    }

    /// Lets frames pass for which `passes` answers true; events always pass. Times are those of the stream's segment; on the streaming thread; it must
    /// not wait.
    @discardableResult
    package func gateFrames(_ passes: @escaping @Sendable (_ time: ClockTime?, _ isKeyframe: Bool) -> Bool) -> PadProbe {
        addProbe(GST_PAD_PROBE_TYPE_BUFFER) { info in
            guard let buffer = gst_pad_probe_info_get_buffer(info) else { return .pass }
            let isKeyframe = gst_buffer_get_flags(buffer).rawValue & GST_BUFFER_FLAG_DELTA_UNIT.rawValue == 0
            return passes(ClockTime(buffer.pointee.pts), isKeyframe) ? .pass : .drop
        }
    }

    /// Calls `body` with the bytes of every buffer that passes while `isWanted` answers true, writable in place. On the streaming thread; neither must
    /// wait.
    @discardableResult
    package func rewriteBuffers(
        while isWanted: @escaping @Sendable () -> Bool = { true }, with body: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void
    ) -> PadProbe {
        addProbe(GST_PAD_PROBE_TYPE_BUFFER) { info in
            guard isWanted(), let buffer = gst_pad_probe_info_get_buffer(info),
                let writable = gst_buffer_make_writable_in_place(info, buffer)
            else {
                return .pass
            }
            var map = GstMapInfo()
            guard gst_buffer_map(writable, &map, GST_MAP_WRITE) != 0 else { return .pass }
            defer { gst_buffer_unmap(writable, &map) }
            body(UnsafeMutableRawBufferPointer(start: map.data, count: Int(map.size)))
            return .pass
        }
    }

    /// Answers seekability queries in bytes that reach this sink pad, so that a muxer rewrites its headers at the end.
    @discardableResult
    package func answerByteSeekability(_ isSeekable: Bool) -> PadProbe {
        let mask = GstPadProbeType(GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM.rawValue | GST_PAD_PROBE_TYPE_PUSH.rawValue)
        return addProbe(mask) { info in
            guard let query = gst_pad_probe_info_get_query(info), query.pointee.type == GST_QUERY_SEEKING else { return .pass }
            var format = GST_FORMAT_UNDEFINED
            gst_query_parse_seeking(query, &format, nil, nil, nil)
            guard format == GST_FORMAT_BYTES else { return .pass }
            gst_query_set_seeking(query, format, isSeekable ? 1 : 0, 0, -1)
            return .handled
        }
    }

    /// What becomes of a buffer after inspection.
    package enum Verdict: Sendable { case pass, drop }

    private func addProbe(
        _ mask: GstPadProbeType, _ body: @escaping @Sendable (UnsafeMutablePointer<GstPadProbeInfo>) -> ProbeAnswer
    ) -> PadProbe {
        let context = Unmanaged.passRetained(ProbeBody(body)).toOpaque()
        let id = gst_pad_add_probe(handle, mask, runProbe, context, releaseProbe)
        return PadProbe(pad: self, id: id)
    }
}

/// A probe on a pad; it stays until `remove` or the pad's end.
package struct PadProbe: Sendable {
    private let pad: Pad
    private let id: gulong

    fileprivate init(pad: Pad, id: gulong) {
        self.pad = pad
        self.id = id
    }

    /// Takes the probe away. Does not wait for a call that runs now.
    package func remove() { gst_pad_remove_probe(pad.handle, id) }
}

private enum ProbeAnswer { case pass, drop, handled }

private final class ProbeBody {
    let run: @Sendable (UnsafeMutablePointer<GstPadProbeInfo>) -> ProbeAnswer
    init(_ run: @escaping @Sendable (UnsafeMutablePointer<GstPadProbeInfo>) -> ProbeAnswer) { self.run = run }
}

private let runProbe:
    @convention(c) (UnsafeMutablePointer<GstPad>?, UnsafeMutablePointer<GstPadProbeInfo>?, gpointer?) -> GstPadProbeReturn = {
        _, info, context in
        guard let info, let context else { return GST_PAD_PROBE_OK }
        switch Unmanaged<ProbeBody>.fromOpaque(context).takeUnretainedValue().run(info) {
        case .pass: return GST_PAD_PROBE_OK
        case .drop: return GST_PAD_PROBE_DROP
        case .handled: return GST_PAD_PROBE_HANDLED
        }
    }

private let releaseProbe: @convention(c) (gpointer?) -> Void = { context in
    guard let context else { return }
    Unmanaged<ProbeBody>.fromOpaque(context).release()
}

/// Replaces the probe's buffer by a writable one where it is shared.
private func gst_buffer_make_writable_in_place(
    _ info: UnsafeMutablePointer<GstPadProbeInfo>, _ buffer: UnsafeMutablePointer<GstBuffer>
) -> UnsafeMutablePointer<GstBuffer>? {
    guard vgst_buffer_is_writable(buffer) == 0 else { return buffer }
    guard let copy = gst_buffer_copy(buffer) else { return nil }
    gst_buffer_unref(buffer)
    info.pointee.data = UnsafeMutableRawPointer(copy)
    return copy
}

private func withBytes(
    of buffer: UnsafeMutablePointer<GstBuffer>, _ body: (UnsafeRawBufferPointer) -> Pad.Verdict
) -> Pad.Verdict {
    var map = GstMapInfo()
    guard gst_buffer_map(buffer, &map, GST_MAP_READ) != 0 else { return .pass }
    defer { gst_buffer_unmap(buffer, &map) }
    return body(UnsafeRawBufferPointer(start: map.data, count: Int(map.size)))
}

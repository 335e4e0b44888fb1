internal import CGStreamer
internal import CGStreamerShims

/// A buffer as an `AppSink`'s receiver sees it; valid during the call only.
package struct SampleView {
    package let bytes: UnsafeRawBufferPointer
    /// Presentation and decoding time in the stream's segment (running time where the segment starts at zero).
    package let pts: ClockTime?
    package let dts: ClockTime?
    package let duration: ClockTime?
    /// The element's byte offset where it names one.
    package let offset: UInt64?
    package let flags: Flags

    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Data is missing before this buffer.
        package static let discontinuity = Flags(rawValue: 1)
        /// Not a point where decoding can begin.
        package static let deltaUnit = Flags(rawValue: 2)
        /// A stream header (muxers: to be kept for late joiners).
        package static let header = Flags(rawValue: 4)
        /// RTP: the last packet of a frame.
        package static let marker = Flags(rawValue: 8)
    }
}

/// What an `AppSink`'s receiver gets, in stream order.
package enum AppSinkItem {
    case sample(SampleView)
    /// Following buffers lie from byte `start` on: a muxer's seek in its output (segment in byte format).
    case byteSegment(start: UInt64)
    /// Following buffers' times lie in a segment from `start`, whose running time begins at `base`.
    case timeSegment(start: ClockTime, base: ClockTime)
    /// New caps, as text.
    case caps(String)
    case endOfStream
}

/// An appsink that hands every buffer and the important events to a closure on the streaming thread, without queueing or clock waits.
package final class AppSink: Sendable {
    package let element: Element

    /// Makes the sink. `receive` must not wait for a loop or lock; false from it ends the stream with an error upstream.
    package init(name: String? = nil, caps: Caps? = nil, receive: @escaping @Sendable (AppSinkItem) -> Bool) throws(GStreamerError) {
        element = try Element("appsink", name: name)
        if let caps { try element.set("caps", caps) }
        try element.set(["sync": "false", "async": "false", "max-buffers": "0", "drop": "false", "emit-signals": "false"])
        try element.set(["wait-on-eos": "false", "enable-last-sample": "false", "qos": "false"])
        var callbacks = GstAppSinkCallbacks()
        callbacks.new_sample = receiveObject
        callbacks.new_event = receiveEvent
        callbacks.eos = receiveEndOfStream
        let context = Unmanaged.passRetained(SinkReceiver(receive)).toOpaque()
        let sink = element.raw.assumingMemoryBound(to: GstAppSink.self)
        gst_app_sink_set_callbacks(sink, &callbacks, context, releaseReceiver)
    }

    /// The sink's pad.
    package func pad() throws(GStreamerError) -> Pad { try element.pad("sink") }
}

private final class SinkReceiver {
    let receive: @Sendable (AppSinkItem) -> Bool
    init(_ receive: @escaping @Sendable (AppSinkItem) -> Bool) { self.receive = receive }

    static func from(_ context: gpointer?) -> SinkReceiver? {
        context.map { Unmanaged<SinkReceiver>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Takes what the sink holds, in order, sample or event, without waiting.
    func drain(_ sink: UnsafeMutablePointer<GstAppSink>) -> Bool {
        while let object = gst_app_sink_try_pull_object(sink, 0) {
            defer { vgst_mini_object_unref(object) }
            let accepted =
                if vgst_is_sample(object) != 0 {
                    deliver(sample: OpaquePointer(object))
                } else {
                    deliver(event: UnsafeMutableRawPointer(object).assumingMemoryBound(to: GstEvent.self))
                }
            guard accepted else { return false }
        }
        return true
    }

    private func deliver(sample: OpaquePointer) -> Bool {
        guard let buffer = gst_sample_get_buffer(sample) else { return true }
        var map = GstMapInfo()
        guard gst_buffer_map(buffer, &map, GST_MAP_READ) != 0 else { return true }
        defer { gst_buffer_unmap(buffer, &map) }
        let view = SampleView(
            bytes: UnsafeRawBufferPointer(start: map.data, count: Int(map.size)), pts: ClockTime(buffer.pointee.pts),
            dts: ClockTime(buffer.pointee.dts), duration: ClockTime(buffer.pointee.duration),
            offset: buffer.pointee.offset == UInt64.max ? nil : UInt64(buffer.pointee.offset),
            flags: SampleView.Flags(gst_buffer_get_flags(buffer)))
        return receive(.sample(view))
    }

    private func deliver(event: UnsafeMutablePointer<GstEvent>) -> Bool {
        switch event.pointee.type {
        case GST_EVENT_SEGMENT:
            var segment: UnsafePointer<GstSegment>?
            gst_event_parse_segment(event, &segment)
            guard let segment = segment?.pointee else { return true }
            if segment.format == GST_FORMAT_BYTES { return receive(.byteSegment(start: UInt64(segment.start))) }
            guard segment.format == GST_FORMAT_TIME else { return true }
            return receive(
                .timeSegment(start: ClockTime(nanoseconds: UInt64(segment.start)), base: ClockTime(nanoseconds: UInt64(segment.base))))
        case GST_EVENT_CAPS:
            var caps: UnsafeMutablePointer<GstCaps>?
            gst_event_parse_caps(event, &caps)
            guard let caps, let text = gst_caps_to_string(caps) else { return true }
            defer { g_free(text) }
            return receive(.caps(String(cString: text)))
        default: return true
        }
    }
}

extension SampleView.Flags {
    fileprivate init(_ flags: GstBufferFlags) {
        self = []
        if flags.rawValue & GST_BUFFER_FLAG_DISCONT.rawValue != 0 { insert(.discontinuity) }
        if flags.rawValue & GST_BUFFER_FLAG_DELTA_UNIT.rawValue != 0 { insert(.deltaUnit) }
        if flags.rawValue & GST_BUFFER_FLAG_HEADER.rawValue != 0 { insert(.header) }
        if flags.rawValue & GST_BUFFER_FLAG_MARKER.rawValue != 0 { insert(.marker) }
    }
}

private let receiveObject: @convention(c) (UnsafeMutablePointer<GstAppSink>?, gpointer?) -> GstFlowReturn = { sink, context in
    guard let sink, let receiver = SinkReceiver.from(context) else { return GST_FLOW_ERROR }
    return receiver.drain(sink) ? GST_FLOW_OK : GST_FLOW_ERROR
}

private let receiveEvent: @convention(c) (UnsafeMutablePointer<GstAppSink>?, gpointer?) -> gboolean = { sink, context in
    guard let sink, let receiver = SinkReceiver.from(context) else { return 0 }
    _ = receiver.drain(sink)
    return 0
}

private let receiveEndOfStream: @convention(c) (UnsafeMutablePointer<GstAppSink>?, gpointer?) -> Void = { sink, context in
    guard let sink, let receiver = SinkReceiver.from(context) else { return }
    _ = receiver.drain(sink)
    _ = receiver.receive(.endOfStream)
}

private let releaseReceiver: @convention(c) (gpointer?) -> Void = { context in
    guard let context else { return }
    Unmanaged<SinkReceiver>.fromOpaque(context).release()
}

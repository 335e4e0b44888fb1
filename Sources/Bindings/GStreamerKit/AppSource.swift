internal import CGStreamer

/// An appsrc that is pushed from one thread: live, in running time, bounded, never blocking.
package final class AppSource: @unchecked Sendable {
    // Unchecked: appsrc's push is thread-safe and so are buffer pools; everything here is immutable.
    /// The appsrc, to be added and linked.
    package let element: Element
    private let pool: UnsafeMutablePointer<GstBufferPool>?
    private let limit: UInt64
    private let bufferSize: Int
    private var source: UnsafeMutablePointer<GstAppSrc> { element.raw.assumingMemoryBound(to: GstAppSrc.self) }

    /// Makes an appsrc of `caps` that holds `limit` buffers at most; buffers up to `bufferSize` bytes come from a pool.
    package init(name: String? = nil, caps: Caps, limit: Int = 512, bufferSize: Int = 1536) throws(GStreamerError) {
        element = try Element("appsrc", name: name)
        try element.set("caps", caps)
        try element.set(["format": "time", "is-live": "true", "block": "false", "do-timestamp": "false", "max-bytes": "0"])
        try element.set(["max-time": "0", "max-buffers": "0", "emit-signals": "false"])
        self.limit = UInt64(limit)
        self.bufferSize = bufferSize
        pool = Self.makePool(bufferSize: bufferSize)
    }

    deinit {
        guard let pool else { return }
        gst_buffer_pool_set_active(pool, 0)
        gst_object_unref(pool)
    }

    /// What became of a push.
    package enum PushResult: Sendable, Equatable {
        case accepted
        /// The queue holds `limit` buffers: this one was not taken.
        case full
        /// The pipeline flushes or has ended.
        case closed
    }

    /// True when a push would be refused as `full`.
    package var isFull: Bool { gst_app_src_get_current_level_buffers(source) >= limit }

    /// Queues a buffer of `count` bytes that `fill` writes. `time` is running time; nil leaves it unstamped.
    /// A discontinuity tells depayloaders that data is missing before it; `isKeyframe` is for frames, false where decoding cannot begin.
    package func push(
        count: Int, time: ClockTime?, isDiscontinuity: Bool = false, isKeyframe: Bool = true, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) -> PushResult {
        guard !isFull else { return .full }
        guard let buffer = makeBuffer(count) else { return .closed }
        var map = GstMapInfo()
        guard gst_buffer_map(buffer, &map, GST_MAP_WRITE) != 0 else {
            gst_buffer_unref(buffer)
            return .closed
        }
        fill(UnsafeMutableRawBufferPointer(start: map.data, count: count))
        gst_buffer_unmap(buffer, &map)
        buffer.pointee.pts = time.raw
        buffer.pointee.dts = time.raw
        if isDiscontinuity { _ = gst_buffer_set_flags(buffer, GST_BUFFER_FLAG_DISCONT) }
        if !isKeyframe { _ = gst_buffer_set_flags(buffer, GST_BUFFER_FLAG_DELTA_UNIT) }
        return gst_app_src_push_buffer(source, buffer) == GST_FLOW_OK ? .accepted : .closed
    }

    /// Queues a copy of `bytes`.
    package func push(
        _ bytes: UnsafeRawBufferPointer, time: ClockTime?, isDiscontinuity: Bool = false, isKeyframe: Bool = true
    ) -> PushResult {
        push(count: bytes.count, time: time, isDiscontinuity: isDiscontinuity, isKeyframe: isKeyframe) { $0.copyMemory(from: bytes) }
    }

    /// What is pushed from now on is of these caps.
    package func change(to caps: Caps) { gst_app_src_set_caps(source, caps.handle) }

    /// Ends the stream after what is queued.
    package func endOfStream() { gst_app_src_end_of_stream(source) }

    private func makeBuffer(_ count: Int) -> UnsafeMutablePointer<GstBuffer>? {
        guard count <= bufferSize, let pool else { return gst_buffer_new_allocate(nil, gsize(count), nil) }
        var buffer: UnsafeMutablePointer<GstBuffer>?
        guard gst_buffer_pool_acquire_buffer(pool, &buffer, nil) == GST_FLOW_OK, let buffer else { return nil }
        gst_buffer_set_size(buffer, gssize(count))  // the pool gives it its full size again on its return
        return buffer
    }

    private static func makePool(bufferSize: Int) -> UnsafeMutablePointer<GstBufferPool>? {
        guard let pool = gst_buffer_pool_new() else { return nil }
        let configuration = gst_buffer_pool_get_config(pool)
        gst_buffer_pool_config_set_params(configuration, nil, guint(bufferSize), 0, 0)
        guard gst_buffer_pool_set_config(pool, configuration) != 0, gst_buffer_pool_set_active(pool, 1) != 0 else {
            gst_object_unref(pool)
            return nil
        }
        return pool
    }
}

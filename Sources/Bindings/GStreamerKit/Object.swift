internal import CGStreamer
internal import CGStreamerShims

/// Owns one reference to a GObject and reads and writes its properties. Base of elements, pads and the objects inside webrtcbin.
package class Object: @unchecked Sendable {
    // Unchecked: an immutable handle; GObject reference counts and GStreamer's properties are thread-safe.
    let raw: UnsafeMutableRawPointer

    /// Takes over one reference.
    init(owning raw: UnsafeMutableRawPointer) { self.raw = raw }

    deinit { g_object_unref(raw) }

    /// Sets a property from text, as gst-launch does (numbers, booleans, enum nicks, caps, fractions). Throws `missing_property`.
    package func set(_ property: String, _ text: String) throws(GStreamerError) {
        guard vgst_has_property(raw, property) != 0 else {
            throw GStreamerError(.missingProperty, "\(typeName) has no property \(property)")
        }
        gst_util_set_object_arg(raw.assumingMemoryBound(to: GObject.self), property, text)
    }

    /// Sets several properties, in order. Throws at the first that is missing.
    package func set(_ properties: KeyValuePairs<String, String>) throws(GStreamerError) {
        for (name, text) in properties { try set(name, text) }
    }

    /// Sets a caps property.
    package func set(_ property: String, _ caps: Caps) throws(GStreamerError) {
        guard vgst_has_property(raw, property) != 0 else {
            throw GStreamerError(.missingProperty, "\(typeName) has no property \(property)")
        }
        vgst_set_caps(raw, property, caps.handle)
    }

    /// A property as text (enums by their nick's value name); nil when it is absent or NULL.
    package func string(_ property: String) -> String? {
        guard let text = vgst_get_string(raw, property) else { return nil }
        defer { g_free(text) }
        return String(cString: text)
    }

    /// A numeric or boolean property; nil when it is absent.
    package func integer(_ property: String) -> Int64? {
        var value: gint64 = 0
        return vgst_get_int64(raw, property, &value) != 0 ? Int64(value) : nil
    }

    /// An unsigned property; nil when it is absent.
    package func unsigned(_ property: String) -> UInt64? {
        var value: guint64 = 0
        return vgst_get_uint64(raw, property, &value) != 0 ? UInt64(value) : nil
    }

    /// The object as an element; the caller knows that it is one.
    package var asElement: Element { Element(owning: g_object_ref(raw)) }

    /// An object property; nil when it is absent or NULL.
    package func object(_ property: String) -> Object? {
        vgst_get_object(raw, property).map { Object(owning: $0) }
    }

    /// The GType's name, for messages.
    package var typeName: String {
        let instance = raw.assumingMemoryBound(to: GTypeInstance.self)
        return g_type_name_from_instance(instance).map { String(cString: $0) } ?? "object"
    }

    /// A weak reference, which tells whether the object still lives.
    package func watchLifetime() -> LifetimeWatch { LifetimeWatch(raw) }
}

/// Tells whether a GObject was finalised, without keeping it alive.
package final class LifetimeWatch: @unchecked Sendable {
    // Unchecked: GWeakRef is thread-safe and its memory is owned here.
    private let reference: UnsafeMutablePointer<GWeakRef>

    fileprivate init(_ raw: UnsafeMutableRawPointer) {
        reference = .allocate(capacity: 1)
        g_weak_ref_init(reference, raw)
    }

    deinit {
        g_weak_ref_clear(reference)
        reference.deallocate()
    }

    /// True once the object is gone.
    package var isFinalised: Bool {
        guard let object = g_weak_ref_get(reference) else { return true }
        g_object_unref(object)
        return false
    }
}

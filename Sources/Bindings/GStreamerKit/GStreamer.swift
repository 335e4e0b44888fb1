internal import CGStreamer
internal import CGStreamerShims

/// The library as a whole: initialisation, version gate and element allow-list.
package enum GStreamer {
    /// A plug-in file and the first upstream version that may run.
    package struct PluginRequirement: Sendable, Equatable {
        package var plugin: String
        package var version: (major: Int, minor: Int, micro: Int)

        package init(plugin: String, version: (major: Int, minor: Int, micro: Int)) {
            self.plugin = plugin
            self.version = version
        }

        package static func == (left: Self, right: Self) -> Bool { left.plugin == right.plugin && left.version == right.version }
    }

    /// Initialises GStreamer for this process; safe to call more than once, from any thread. GStreamer's own debug log stays off
    /// unless GST_DEBUG is set.
    package static func initialise() throws(GStreamerError) {
        var error: UnsafeMutablePointer<GError>?
        guard gst_init_check(nil, nil, &error) != 0 else {
            let text = error.map { String(cString: $0.pointee.message) } ?? "no reason given"
            g_clear_error(&error)
            throw GStreamerError(.initialisation, "gst_init_check: \(text)")
        }
    }

    /// Refuses plug-ins below their first acceptable upstream version.
    ///
    /// Debian's security revisions do not show in a plug-in's version: `DebianPackages` checks these where dpkg's database can be read.
    package static func require(_ requirements: [PluginRequirement]) throws(GStreamerError) {
        for requirement in requirements {
            guard let plugin = gst_registry_find_plugin(gst_registry_get(), requirement.plugin) else {
                throw GStreamerError(.missingElement, "the GStreamer plug-in \(requirement.plugin) is not installed")
            }
            defer { gst_object_unref(UnsafeMutableRawPointer(plugin)) }
            let text = gst_plugin_get_version(plugin).map { String(cString: $0) } ?? ""
            let have = versionNumbers(text)
            let want = [requirement.version.major, requirement.version.minor, requirement.version.micro]
            if have.lexicographicallyPrecedes(want) {
                throw GStreamerError(.outdatedPlugin, "plug-in \(requirement.plugin) is \(text): update it")
            }
        }
    }

    /// Takes every element factory out of this process's registry that is not in `allowed`, and all typefinders and device providers
    /// unless `keepingTypefinders`. What was taken out cannot be created any more, by nobody, autopluggers included.
    ///
    /// Returns how many features were removed. A later call can narrow the list further, never widen it.
    @discardableResult
    package static func allowOnly(_ allowed: Set<String>, keepingTypefinders: Bool = false) -> Int {
        let elements = removeFeatures(of: vgst_element_factory_type()) { !allowed.contains($0) }
        let providers = removeFeatures(of: vgst_device_provider_type()) { _ in true }
        let typefinders = keepingTypefinders ? 0 : removeFeatures(of: vgst_typefind_factory_type()) { _ in true }
        return elements + providers + typefinders
    }

    /// True when elements of this factory can be made.
    package static func hasElement(_ factory: String) -> Bool {
        guard let found = gst_element_factory_find(factory) else { return false }
        gst_object_unref(UnsafeMutableRawPointer(found))
        return true
    }

    private static func removeFeatures(of type: GType, where shouldRemove: (String) -> Bool) -> Int {
        let registry = gst_registry_get()
        let features = gst_registry_get_feature_list(registry, type)
        defer { gst_plugin_feature_list_free(features) }
        var removed = 0
        var next = features
        while let node = next {
            next = node.pointee.next
            guard let data = node.pointee.data else { continue }
            let name = gst_object_get_name(data.assumingMemoryBound(to: GstObject.self))
            defer { g_free(name) }
            guard let name, shouldRemove(String(cString: name)) else { continue }
            gst_registry_remove_feature(registry, OpaquePointer(data))
            removed += 1
        }
        return removed
    }

    /// The leading numbers of `1.22.0` or `1.22.0.1`.
    static func versionNumbers(_ text: String) -> [Int] {
        text.split(separator: ".").prefix(3).map { Int($0.prefix { $0.isNumber }) ?? 0 }
    }
}

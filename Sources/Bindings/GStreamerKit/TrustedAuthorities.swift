internal import CGStreamer

/// Whose certificates this process believes, where GStreamer's elements speak TLS.
package enum TrustedAuthorities {
    /// From now on those in this PEM file, and no others. Throws `trust` when it cannot be read or names none.
    package static func set(pem path: String) throws(GStreamerError) {
        var error: UnsafeMutablePointer<GError>?
        guard let database = g_tls_file_database_new(path, &error) else {
            let text = error.map { String(cString: $0.pointee.message) } ?? "no reason given"
            g_clear_error(&error)
            throw GStreamerError(.trust, "g_tls_file_database_new: \(text)")
        }
        // The backend keeps a reference of its own.
        g_tls_backend_set_default_database(
            g_tls_backend_get_default(), UnsafeMutableRawPointer(database).assumingMemoryBound(to: GTlsDatabase.self))
        g_object_unref(UnsafeMutableRawPointer(database))
    }
}

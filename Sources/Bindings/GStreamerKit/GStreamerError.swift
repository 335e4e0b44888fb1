/// A failure of GStreamer or GLib, named by the call that met it.
package struct GStreamerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure.
    package var code: Code
    /// The function or element that failed and what it said; never holds SDP or secrets.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code.rawValue): \(message)" }

    /// What kind of failure it is.
    package enum Code: String, Sendable {
        /// GStreamer could not be initialised.
        case initialisation
        /// A plug-in is older than the first version without its known holes.
        case outdatedPlugin = "outdated_plugin"
        /// The element factory is not installed or not on the allow-list.
        case missingElement = "missing_element"
        /// The object has no such property.
        case missingProperty = "missing_property"
        /// The pad does not exist or could not be requested.
        case missingPad = "missing_pad"
        /// Two pads refused to be linked.
        case link
        /// The caps text could not be read.
        case caps
        /// A state change failed or took too long.
        case stateChange = "state_change"
        /// A session description could not be parsed, made or applied.
        case sessionDescription = "session_description"
        /// A promise was interrupted or expired before its reply.
        case interrupted
        /// Certificate authorities could not be read.
        case trust
        /// The ICE agent refused an address or server.
        case ice
    }
}

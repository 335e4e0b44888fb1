/// A session description (RFC 8866) as far as WebRTC uses it (RFC 9429): origin, attributes and media sections.
///
/// Lines that WebRTC gives no meaning (`s= i= u= e= p= c= b= t= r= z= k=`) are checked for form and not kept; `print()` writes the constant
/// ones that the grammar demands. What is kept is printable ASCII.
package struct SessionDescription: Sendable, Equatable {
    /// Hard limits of what is read.
    package enum Limits {
        /// Whole text, bytes (Eyeson contract section 10).
        package static let bytes = 128 * 1024
        /// One line without its end, bytes.
        package static let lineBytes = 4096
        /// Media sections.
        package static let sections = 64
        /// Formats in one `m=` line: there are 128 payload types.
        package static let formats = 128
    }

    /// `sess-id` of `o=`.
    package var sessionID: UInt64
    /// `sess-version` of `o=`.
    package var sessionVersion: UInt64
    /// Session-level `a=` lines in order.
    package var attributes: [SDPAttribute]
    /// `m=` sections in order.
    package var sections: [MediaSection]

    package init(sessionID: UInt64, sessionVersion: UInt64, attributes: [SDPAttribute], sections: [MediaSection]) {
        self.sessionID = sessionID
        self.sessionVersion = sessionVersion
        self.attributes = attributes
        self.sections = sections
    }

    /// Reads a description; lines end with CRLF or LF. Throws for what breaks the grammar or a limit, never traps.
    package static func parse(_ text: String) throws(SDPError) -> SessionDescription {
        var parser = SessionDescriptionParser()
        return try parser.parse(text)
    }

    /// Writes the description with CRLF line ends. `print(parse(x))` is a fixpoint.
    package func print() -> String {
        var lines = ["v=0", "o=- \(sessionID) \(sessionVersion) IN IP4 0.0.0.0", "s=-", "t=0 0"]
        lines += attributes.map(\.line)
        for section in sections { lines += section.lines }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    /// The mids of the first BUNDLE group in its order; nil when there is no such group.
    package var bundle: [String]? {
        for attribute in attributes where attribute.name == "group" {
            let words = SDPText.words(attribute.value ?? "")
            if words.first == "BUNDLE" { return words.dropFirst().map(String.init) }
        }
        return nil
    }
}

/// One `a=` line.
package struct SDPAttribute: Sendable, Equatable {
    /// The name, a token, in the case in which it came (attribute names are case-sensitive).
    package var name: String
    /// What follows the colon; nil for a property attribute.
    package var value: String?

    package init(_ name: String, _ value: String? = nil) {
        self.name = name
        self.value = value
    }

    /// The line without its end.
    var line: String { value.map { "a=\(name):\($0)" } ?? "a=\(name)" }
}

/// One `m=` line and what belongs to it.
package struct MediaSection: Sendable, Equatable {
    /// `audio`, `video`, `application` or another token.
    package var media: String
    /// 9 stands for "to be found by ICE"; 0 for none (see `isRejected`).
    package var port: UInt16
    /// The transport protocol, for instance `UDP/TLS/RTP/SAVPF`.
    package var transport: String
    /// Payload types, or other tokens for data channels.
    package var formats: [String]
    /// `a=` lines in order.
    package var attributes: [SDPAttribute]

    package init(media: String, port: UInt16, transport: String, formats: [String], attributes: [SDPAttribute] = []) {
        self.media = media
        self.port = port
        self.transport = transport
        self.formats = formats
        self.attributes = attributes
    }

    /// The value of the first attribute of this name; nil when there is none, or it has no value.
    package func value(of name: String) -> String? {
        attributes.first { $0.name == name && $0.value != nil }?.value
    }

    /// True when an attribute of this name stands here, with or without a value.
    package func has(_ name: String) -> Bool {
        attributes.contains { $0.name == name }
    }

    /// The section's identification (RFC 8843 section 5).
    package var mid: String? { value(of: "mid") }

    /// Port zero without `a=bundle-only`: not offered, or refused (RFC 3264 section 6, RFC 9143 section 6).
    package var isRejected: Bool { port == 0 && !has("bundle-only") }

    var lines: [String] {
        ["m=\(media) \(port) \(transport) \(formats.joined(separator: " "))", "c=IN IP4 0.0.0.0"] + attributes.map(\.line)
    }
}

/// Which way media flows, seen from the description's author (RFC 8866 section 6.7).
package enum MediaDirection: String, Sendable, CaseIterable {
    case sendrecv, sendonly, recvonly, inactive

    /// The author sends.
    package var sends: Bool { self == .sendrecv || self == .sendonly }
    /// The author receives.
    package var receives: Bool { self == .sendrecv || self == .recvonly }
}

extension SessionDescription {
    /// The direction of a section: its own attribute, else the session's, else `sendrecv`.
    package func direction(of section: MediaSection) -> MediaDirection {
        for attribute in section.attributes + attributes {
            if let direction = MediaDirection(rawValue: attribute.name) { return direction }
        }
        return .sendrecv
    }
}

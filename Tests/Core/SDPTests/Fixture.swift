import BridgeModel
import Foundation
import Testing

import SDP

/// Offers of real and realistic clients; Fixtures/README.md says which are which. Files have LF line ends for the sake of reading; `text` has the CRLF
/// of the wire.
struct Fixture: Sendable, CustomStringConvertible {
    let name: String
    let text: String

    var description: String { name }

    static let all: [Fixture] = names.map { load($0) }
    /// All, and those that only the edge is shown: its gate is wider than the one before webrtcbin.
    static let edge: [Fixture] = all + edgeNames.map { load($0) }
    static let publishers = all.filter { !$0.name.hasSuffix("-view") }
    static let viewers = all.filter { $0.name.hasSuffix("-view") }

    static subscript(_ name: String) -> Fixture { load(name) }

    private static let names = [
        "aiortc-publish", "aiortc-view", "chrome-74-publish", "chromium-156-publish", "chromium-156-publish-h264",
        "chromium-156-publish-simulcast", "chromium-156-view", "ffmpeg-8-whip", "firefox-153-publish", "firefox-153-view",
        "gstreamer-whipsink", "obs-31-whip", "safari-16-ios-publish", "safari-16-ios-view", "safari-17-macos-publish",
    ]

    private static let edgeNames = [
        "camera-unbundled-whip", "chrome-48-planb-publish", "chromium-156-max-compat-view", "chromium-156-publish-av1",
        "chromium-156-publish-call", "chromium-156-publish-layers", "chromium-156-publish-livekit", "chromium-156-publish-svc",
        "chromium-156-rooms-view", "ffmpeg-8-audio-whip", "firefox-153-h264-view", "firefox-153-publish-layers", "firefox-153-rooms-view",
        "firefox-60-publish-layers", "larix-like-whip", "mediamtx-view", "obs-29-whip", "obs-32-whip-av1", "obs-32-whip-simulcast",
        "pion-3.1-publish", "pion-3.1-view", "safari-12-ios-publish", "safari-12-ios-view", "safari-17-room-publish",
        "safari-18-macos-view",
        "safari-18-room-publish", "webrtcbin-1.22-publish", "webrtcbin-1.22-view",
    ]

    static func load(_ name: String) -> Fixture {
        let file = Bundle.module.url(forResource: name, withExtension: "sdp", subdirectory: "Fixtures")
        let text = file.flatMap { try? String(contentsOf: $0, encoding: .utf8) }
        if text == nil { Issue.record("fixture \(name) is missing") }
        return Fixture(name: name, text: (text ?? "").replacingOccurrences(of: "\n", with: "\r\n"))
    }

    /// The text with every line starting with `prefix` replaced, or removed when `line` is nil; at most `count` of them.
    func replacing(_ prefix: String, with line: String?, count: Int = .max) -> String {
        var left = count
        let lines = text.components(separatedBy: "\r\n").compactMap { old -> String? in
            guard old.hasPrefix(prefix), left > 0 else { return old }
            left -= 1
            return line
        }
        return lines.joined(separator: "\r\n")
    }
}

/// Short ways to the things that tests look at.
extension SessionDescription {
    func values(_ name: String, section: Int) -> [String] {
        sections[section].attributes.filter { $0.name == name }.map { $0.value ?? "" }
    }
}

/// An engine that goes along with everything it is offered: stands in for webrtcbin where its habits do not matter.
enum ObligingEngine {
    static let ufrag = "enGin"
    static let password = "enginePasswordOf24Chars0"
    static let fingerprint = "AB" + String(repeating: ":AB", count: 31)
    static let candidate = "1 1 udp 2015363327 127.0.0.1 40000 typ host"

    static func answer(to offer: String, setup: String = "active") throws -> String {
        var description = try SessionDescription.parse(offer)
        for index in description.sections.indices {
            var attributes: [SDPAttribute] = []
            for attribute in description.sections[index].attributes {
                switch attribute.name {
                case "ice-ufrag": attributes.append(SDPAttribute("ice-ufrag", ufrag))
                case "ice-pwd": attributes.append(SDPAttribute("ice-pwd", password))
                case "setup": attributes.append(SDPAttribute("setup", setup))
                case "fingerprint": attributes.append(SDPAttribute("fingerprint", "sha-256 \(fingerprint)"))
                case "sendonly": attributes.append(SDPAttribute("recvonly"))
                case "recvonly":
                    attributes.append(SDPAttribute("sendonly"))
                    attributes.append(SDPAttribute("ssrc", "\(1000 + index) cname:engine"))
                case "candidate", "ssrc", "ssrc-group": break
                default: attributes.append(attribute)
                }
            }
            attributes.append(SDPAttribute("candidate", candidate))
            description.sections[index].attributes = attributes
        }
        return description.print()
    }
}

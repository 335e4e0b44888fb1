internal import FoundationEssentials
internal import GStreamerKit

/// Refuses to run on GStreamer packages with known remote holes.
enum VersionGate {
    /// dpkg's database of installed packages.
    static let dpkgStatusFile = "/var/lib/dpkg/status"

    /// First acceptable package versions on Debian 12: CVE-2026-14935 (plugins-bad) and CVE-2026-59692 (plugins-good) are closed in them.
    static let debianPackages: [(package: String, version: String)] = [
        ("gstreamer1.0-plugins-bad", "1.22.0-4+deb12u8"),
        ("gstreamer1.0-plugins-good", "1.22.0-5+deb12u4"),
    ]

    /// Oldest upstream versions, for systems without dpkg: what these pipelines are written and tested against.
    static let plugins = ["webrtc", "rtpmanager", "srtp", "dtls"].map { GStreamer.PluginRequirement(plugin: $0, version: (1, 22, 0)) }

    /// Throws `outdated_plugin` when a package or plug-in is too old.
    static func check(packageStatusFile: String) throws {
        try GStreamer.require(plugins)
        guard let status = try? Data(contentsOf: URL(filePath: packageStatusFile)) else { return }
        for (package, wanted) in debianPackages {
            guard let installed = installedVersion(of: package, inStatus: status) else { continue }
            if DebianVersion(installed) < DebianVersion(wanted) {
                throw GStreamerError(.outdatedPlugin, "\(package) is \(installed): install \(wanted) or later")
            }
        }
    }

    /// The version of a package in the text of dpkg's status file (deb822(5) paragraphs); nil when it is not there.
    static func installedVersion(of package: String, inStatus status: Data) -> String? {
        var isInParagraph = false
        for line in status.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.starts(with: "Package: ".utf8) {
                isInParagraph = line.dropFirst("Package: ".utf8.count).elementsEqual(package.utf8)
            } else if isInParagraph, line.starts(with: "Version: ".utf8) {
                return String(decoding: line.dropFirst("Version: ".utf8.count), as: UTF8.self)
            } else if line.isEmpty {
                isInParagraph = false
            }
        }
        return nil
    }
}

/// A Debian package version, ordered as dpkg does (deb-version(7)).
struct DebianVersion: Comparable {
    private let epoch: Int
    private let upstream: [UInt8]
    private let revision: [UInt8]

    init(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1)
        epoch = parts.count == 2 ? Int(parts[0]) ?? 0 : 0
        let rest = parts.last ?? ""
        let dash = rest.lastIndex(of: "-")
        upstream = Array((dash.map { rest[..<$0] } ?? rest).utf8)
        revision = dash.map { Array(rest[rest.index(after: $0)...].utf8) } ?? []
    }

    static func == (left: Self, right: Self) -> Bool { !(left < right) && !(right < left) }

    static func < (left: Self, right: Self) -> Bool {
        if left.epoch != right.epoch { return left.epoch < right.epoch }
        let upstream = compare(left.upstream[...], right.upstream[...])
        return upstream != 0 ? upstream < 0 : compare(left.revision[...], right.revision[...]) < 0
    }

    /// Compares alternating runs of non-digits and digits; negative when `left` comes first.
    private static func compare(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
        var (left, right) = (left, right)
        while !left.isEmpty || !right.isEmpty {
            while isText(left.first) || isText(right.first) {
                let difference = weight(left.first) - weight(right.first)
                if difference != 0 { return difference }
                left = left.dropFirst()
                right = right.dropFirst()
            }
            let difference = takeNumber(&left) - takeNumber(&right)
            if difference != 0 { return difference }
        }
        return 0
    }

    private static func isText(_ byte: UInt8?) -> Bool { byte.map { !isDigit($0) } ?? false }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// A tilde sorts before the end, letters before all other signs.
    private static func weight(_ byte: UInt8?) -> Int {
        guard let byte, !isDigit(byte) else { return 0 }
        if byte == UInt8(ascii: "~") { return -1 }
        let isLetter = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xDF)
        return isLetter ? Int(byte) : Int(byte) + 256
    }

    private static func takeNumber(_ bytes: inout ArraySlice<UInt8>) -> Int {
        let digits = bytes.prefix(while: isDigit)
        bytes = bytes.dropFirst(digits.count)
        return digits.reduce(0) { ($0 &* 10) &+ Int($1 - UInt8(ascii: "0")) }
    }
}

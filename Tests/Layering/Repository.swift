import Foundation

/// The source tree that this test stands in.
enum Repository {
    /// Two folders above `Tests/Layering`.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A Swift file and where it stands: `["Sources", "Core", "RTP", "Packet.swift"]`.
    struct File {
        var path: [String]
        var source: SourceText

        var name: String { path.joined(separator: "/") }
    }

    /// Every Swift file of ours; read once for all tests.
    static func swiftFiles() throws -> [File] { try files.get() }

    private static let files = Result { try readSwiftFiles() }

    private static func readSwiftFiles() throws -> [File] {
        let paths = ["Sources", "Tests"].flatMap { top -> [[String]] in
            let folder = root.appendingPathComponent(top).resolvingSymlinksInPath().path
            let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
            return names.filter { $0.hasSuffix(".swift") }.map { [top] + $0.split(separator: "/").map(String.init) }
        }
        return try paths.map { path in
            let url = path.reduce(root) { $0.appendingPathComponent($1) }
            return File(path: path, source: SourceText(try String(contentsOf: url, encoding: .utf8)))
        }
    }

    /// Each room's targets, from the folders.
    static func rooms() throws -> [String: Set<String>] {
        var rooms: [String: Set<String>] = [:]
        for room in ["C", "Bindings", "Core", "Planes", "API", "App"] {
            rooms[room] = Set(try folders(in: root.appendingPathComponent("Sources/\(room)")))
        }
        return rooms
    }

    /// Names in the root that do not begin with a dot.
    static func topLevelNames() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.path).filter { !$0.hasPrefix(".") }
    }

    private static func folders(in url: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: [.isDirectoryKey])
            .filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }.map(\.lastPathComponent)
    }
}

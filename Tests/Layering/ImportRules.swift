/// Which modules a target may import. The rooms are the folders of `Sources`; what stands in a room is read from the disk.
struct ImportRules {
    /// Room name to the targets in it, for instance `Core` to `RTP`, `SDP`.
    let rooms: [String: Set<String>]

    /// Why `target` of `room` may not import this; nil when it may.
    func objection(to item: Import, in target: String, of room: String) -> String? {
        if modules(in: "C").contains(item.module) {
            guard room == "Bindings" else { return "C modules are imported in Bindings only" }
            return item.access == "internal" ? nil : "a C module must be an internal import, so that no C type leaves the binding"
        }
        if item.module == "GStreamerKit", target != "PipelineChild" { return "GStreamerKit is for PipelineChild alone" }
        guard !allowed(for: target, of: room).contains(item.module) else { return nil }
        return "\(room)/\(target) may not import \(item.module)"
    }

    /// The same for `Tests/<room>/<target>Tests`: what the target may, the target itself, and what tests are written with. The test of a plane
    /// may plug in another plane, as `App` does, in place of a fake.
    func objectionInTests(to item: Import, of target: String, in room: String) -> String? {
        let testing: Set<String> = [
            "Testing", "Foundation", "FoundationEssentials", "Dispatch", "Glibc", "Synchronization", "Logging", "HTTPTypes", target,
        ]
        // What several test targets share stands in a module of its own under Tests, named `…Testing`.
        if item.module.hasSuffix("Testing") { return nil }
        if testing.contains(item.module) { return nil }
        if modules(in: "Core").contains(item.module) { return nil }
        if room == "Planes", modules(in: "Planes").contains(item.module) { return nil }
        return objection(to: item, in: target, of: room)
    }

    private func modules(in room: String) -> Set<String> { rooms[room] ?? [] }

    private func allowed(for target: String, of room: String) -> Set<String> {
        switch room {
        case "Core": modules(in: "Core").union(Self.standardLibrary)
        case "Bindings": Self.standardLibrary.union(Self.system).union(["HTTPTypes", "DequeModule", "HeapModule"])
        case "Planes":
            modules(in: "Core").union(modules(in: "Bindings")).union(Self.standardLibrary).union(Self.foundation)
                .union(["Logging", "Crypto", "DequeModule", "HTTPTypes"]).union(Self.adapters[target] ?? [])
        case "API":
            modules(in: "Core").union(Self.standardLibrary).union(Self.foundation).union(["HTTPCore", "HTTPTypes"])
        case "Web": Self.standardLibrary.union(Self.foundation)
        case "App": allowedInApp(target)
        default: []
        }
    }

    /// The composition roots: `viaduct` sees all but the child's half; the child's program sees its half alone.
    private func allowedInApp(_ target: String) -> Set<String> {
        let core = modules(in: "Core").union(Self.standardLibrary).union(Self.system)
        switch target {
        case "BridgeConfiguration": return core.union(["Yams"])
        case "viaduct-pipeline": return core.union(["PipelineChild"])
        default:
            return core.union(modules(in: "API")).union(modules(in: "Planes")).union(modules(in: "App")).union(modules(in: "Bindings"))
                .union(["Web", "Logging", "HTTPTypes", "ArgumentParser", "Dispatch"]).subtracting(["PipelineChild"])
        }
    }

    /// Each plane's own outside world: no other target knows its packages.
    private static let adapters: [String: Set<String>] = [
        "StoragePlane": ["GRDB"],
        "AccessPlane": ["JWTKit"],
        "DeliveryPlane": httpClient,
        "PlaybackPlane": ["NIOPosix"],
        "CameraPlane": httpClient,
        "LoadPlane": httpClient,
    ]
    private static let httpClient: Set<String> = ["AsyncHTTPClient", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL", "NIOFoundationCompat"]
    private static let standardLibrary: Set<String> = ["Swift", "Synchronization", "_Concurrency"]
    private static let foundation: Set<String> = ["Foundation", "FoundationEssentials"]
    private static let system: Set<String> = foundation.union(["Glibc"])
}

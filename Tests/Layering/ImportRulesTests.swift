import Testing

/// The rules against a small house of the same rooms.
struct ImportRulesTests {
    static let rules = ImportRules(rooms: [
        "C": ["COpenSSL"], "Bindings": ["SecureTransport", "GStreamerKit"], "Core": ["BridgeModel", "RTP"],
        "Planes": ["MediaPlane", "StoragePlane", "PipelineChild"], "API": ["HTTPCore", "BridgeAPI", "EyesonDialect"],
        "App": ["viaduct", "viaduct-pipeline", "BridgeConfiguration"],
    ])

    struct Case: Sendable, CustomTestStringConvertible {
        var room: String
        var target: String
        var module: String
        var access = "internal"
        var testDescription: String { "\(room)/\(target) \(access) import \(module)" }
    }

    @Test(arguments: [
        Case(room: "Core", target: "RTP", module: "Foundation"),
        Case(room: "Core", target: "RTP", module: "FoundationEssentials"),
        Case(room: "Core", target: "RTP", module: "Glibc"),
        Case(room: "Core", target: "RTP", module: "Logging"),
        Case(room: "Core", target: "RTP", module: "SecureTransport"),
        Case(room: "Core", target: "RTP", module: "COpenSSL"),
        Case(room: "Bindings", target: "SecureTransport", module: "BridgeModel"),
        Case(room: "Bindings", target: "SecureTransport", module: "GStreamerKit"),
        Case(room: "Bindings", target: "SecureTransport", module: "COpenSSL", access: "package"),
        Case(room: "Bindings", target: "SecureTransport", module: "COpenSSL", access: "public"),
        Case(room: "Planes", target: "MediaPlane", module: "StoragePlane"),
        Case(room: "Planes", target: "MediaPlane", module: "GStreamerKit"),
        Case(room: "Planes", target: "MediaPlane", module: "GRDB"),
        Case(room: "Planes", target: "MediaPlane", module: "HTTPCore"),
        Case(room: "Planes", target: "MediaPlane", module: "COpenSSL"),
        Case(room: "API", target: "BridgeAPI", module: "MediaPlane"),
        Case(room: "API", target: "BridgeAPI", module: "SecureTransport"),
        Case(room: "API", target: "BridgeAPI", module: "EyesonDialect"),
        Case(room: "API", target: "BridgeAPI", module: "Logging"),
        Case(room: "Web", target: "Web", module: "BridgeModel"),
        Case(room: "App", target: "viaduct", module: "GStreamerKit"),
        Case(room: "App", target: "viaduct", module: "PipelineChild"),
        Case(room: "App", target: "viaduct", module: "COpenSSL"),
        Case(room: "App", target: "viaduct-pipeline", module: "StoragePlane"),
        Case(room: "App", target: "BridgeConfiguration", module: "MediaPlane"),
        Case(room: "Elsewhere", target: "X", module: "BridgeModel"),
    ])
    func aForbiddenImportIsObjectedTo(_ row: Case) {
        let item = Import(module: row.module, access: row.access, line: 1)
        #expect(Self.rules.objection(to: item, in: row.target, of: row.room) != nil)
    }

    @Test(arguments: [
        Case(room: "Core", target: "RTP", module: "BridgeModel", access: "package"),
        Case(room: "Core", target: "RTP", module: "Synchronization"),
        Case(room: "Bindings", target: "SecureTransport", module: "COpenSSL"),
        Case(room: "Planes", target: "MediaPlane", module: "SecureTransport"),
        Case(room: "Planes", target: "PipelineChild", module: "GStreamerKit"),
        Case(room: "Planes", target: "StoragePlane", module: "GRDB"),
        Case(room: "API", target: "BridgeAPI", module: "HTTPCore"),
        Case(room: "App", target: "viaduct", module: "MediaPlane"),
        Case(room: "App", target: "viaduct-pipeline", module: "PipelineChild"),
    ])
    func anAllowedImportIsNot(_ row: Case) {
        let item = Import(module: row.module, access: row.access, line: 1)
        #expect(Self.rules.objection(to: item, in: row.target, of: row.room) == nil)
    }

    @Test func testsMayNotReachFurtherThanTheirTarget() {
        func objection(_ module: String) -> String? {
            Self.rules.objectionInTests(to: Import(module: module, access: "internal", line: 1), of: "MediaPlane", in: "Planes")
        }
        #expect(objection("Testing") == nil)
        #expect(objection("MediaPlane") == nil)
        #expect(objection("RTP") == nil)
        #expect(objection("StoragePlane") == nil)
        #expect(objection("BridgeAPI") != nil)
        #expect(objection("GStreamerKit") != nil)
        #expect(objection("COpenSSL") != nil)
    }
}

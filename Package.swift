// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: Swift 6 mode (the default of these tools), complete concurrency checks, no warning tolerated.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // One optimised build serves `make run` and `make test`: some tests look inside their module.
    .unsafeFlags(["-enable-testing"], .when(configuration: .release)),
]

/// A test runs for less time than its optimisation takes, unless it measures: those are programs of their own.
let quicklyBuilt = strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

enum Room {
    static let c = "Sources/C/"
    static let bindings = "Sources/Bindings/"
    static let core = "Sources/Core/"
    static let planes = "Sources/Planes/"
    static let api = "Sources/API/"
    static let app = "Sources/App/"
}

func module(_ name: String, in room: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: room + name, resources: resources, swiftSettings: strict)
}

func tests(
    _ name: String, in room: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: dependencies, path: room.replacing("Sources/", with: "Tests/") + name + "Tests",
        exclude: exclude, resources: resources, swiftSettings: quicklyBuilt)
}

extension String {
    func replacing(_ prefix: String, with other: String) -> String { other + dropFirst(prefix.count) }
}

let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let collections: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "viaduct",
    products: [
        .executable(name: "viaduct", targets: ["viaduct"]),
        .executable(name: "viaduct-pipeline", targets: ["viaduct-pipeline"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.34.0"),
    ],
    targets: [
        // C
        .systemLibrary(
            name: "CGStreamer", path: Room.c + "CGStreamer", pkgConfig: "gstreamer-webrtc-1.0",
            providers: [.apt(["libgstreamer-plugins-bad1.0-dev", "libgstreamer-plugins-base1.0-dev"])]),
        .systemLibrary(
            name: "CWebSockets", path: Room.c + "CWebSockets", pkgConfig: "libwebsockets", providers: [.apt(["libwebsockets-dev"])]),
        .systemLibrary(name: "COpenSSL", path: Room.c + "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNice", path: Room.c + "CNice", providers: [.apt(["libnice-dev"])]),
        // For tests alone, which hold our SRTP against it. Without pkg-config, so that nothing else asks for the library.
        .systemLibrary(name: "CSRTP", path: Room.c + "CSRTP"),
        .target(name: "CGStreamerShims", dependencies: ["CGStreamer"], path: Room.c + "CGStreamerShims"),
        .target(name: "CWebSocketsShims", dependencies: ["CWebSockets", "COpenSSL"], path: Room.c + "CWebSocketsShims"),
        .target(name: "CLinux", path: Room.c + "CLinux"),

        // Bindings
        module("GStreamerKit", in: Room.bindings, ["CGStreamer", "CGStreamerShims"]),
        module("WebServerKit", in: Room.bindings, ["CWebSockets", "CWebSocketsShims", httpTypes, collections]),
        module("SecureTransport", in: Room.bindings, ["COpenSSL", "CNice"]),
        module("LinuxIO", in: Room.bindings, ["CLinux", heap]),

        // Core
        module("BridgeModel", in: Room.core),
        module("RTP", in: Room.core, ["BridgeModel"]),
        module("SDP", in: Room.core, ["BridgeModel"]),
        module("Forwarding", in: Room.core, ["BridgeModel", "RTP"]),
        module("Bridge", in: Room.core, ["BridgeModel", "Playback", "SDP"]),
        module("PeerTransport", in: Room.core, ["BridgeModel"]),
        module("Matroska", in: Room.core, ["BridgeModel"]),
        module("ISOMedia", in: Room.core, ["BridgeModel", "RTP"]),
        module("Playback", in: Room.core, ["BridgeModel"]),
        module("Signaling", in: Room.core, ["BridgeModel", "Bridge", "SDP"]),
        module("LoadGeneration", in: Room.core, ["BridgeModel", "RTP", "SDP", "Forwarding"]),

        // Planes
        module("SignalingPlane", in: Room.planes, ["BridgeModel", "Bridge", "Signaling", "WebServerKit", logging]),
        module(
            "MediaPlane", in: Room.planes,
            ["BridgeModel", "Bridge", "RTP", "SDP", "PeerTransport", "Forwarding", "LinuxIO", "SecureTransport", logging]),
        module("PipelinePlane", in: Room.planes, ["BridgeModel", "Bridge", "LinuxIO", logging]),
        module(
            "PipelineChild", in: Room.planes,
            ["BridgeModel", "Bridge", "RTP", "Matroska", "ISOMedia", "Playback", "LinuxIO", "GStreamerKit"]),
        module(
            "RecordingPlane", in: Room.planes, ["BridgeModel", "Bridge", "Matroska", "ISOMedia", "Playback", "LinuxIO", logging, crypto]),
        module(
            "DeliveryPlane", in: Room.planes,
            [
                "BridgeModel", "Bridge", logging, crypto, .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        module(
            "StoragePlane", in: Room.planes,
            ["BridgeModel", "Bridge", "Playback", logging, crypto, .product(name: "GRDB", package: "GRDB.swift")]),
        module(
            "PlaybackPlane", in: Room.planes,
            [
                "BridgeModel", "Bridge", "Matroska", "ISOMedia", "Playback", "LinuxIO", logging,
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        module(
            "AccessPlane", in: Room.planes,
            ["BridgeModel", "Bridge", crypto, .product(name: "JWTKit", package: "jwt-kit")]),
        module(
            "CameraPlane", in: Room.planes,
            [
                "BridgeModel", "Bridge", "SDP", "Signaling", "WebServerKit", logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        module(
            "LoadPlane", in: Room.planes,
            [
                "BridgeModel", "SDP", "RTP", "LoadGeneration", "LinuxIO", "SecureTransport", "WebServerKit", httpTypes,
                .product(name: "AsyncHTTPClient", package: "async-http-client"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        module(
            "ControlPlane", in: Room.planes, ["BridgeModel", "Bridge", "Playback", "SDP", "Signaling", "LinuxIO", logging, collections]),

        // API
        module("HTTPCore", in: Room.api, ["BridgeModel", "Bridge", httpTypes]),
        module("BridgeAPI", in: Room.api, ["BridgeModel", "Bridge", "Playback", "SDP", "Signaling", "HTTPCore", httpTypes]),
        module("EyesonDialect", in: Room.api, ["BridgeModel", "Bridge", "HTTPCore", httpTypes]),

        // Web
        .target(name: "Web", path: "Sources/Web", resources: [.copy("Pages")], swiftSettings: strict),

        // App
        module("BridgeConfiguration", in: Room.app, ["BridgeModel", .product(name: "Yams", package: "Yams")]),
        .executableTarget(
            name: "viaduct",
            dependencies: [
                "BridgeModel", "Bridge", "SignalingPlane", "MediaPlane", "PipelinePlane", "RecordingPlane", "DeliveryPlane", "StoragePlane",
                "AccessPlane", "CameraPlane", "ControlPlane", "PlaybackPlane", "LoadPlane", "LoadGeneration", "HTTPCore", "BridgeAPI",
                "EyesonDialect", "Web", "BridgeConfiguration",
                "WebServerKit", "Signaling", "LinuxIO", "SecureTransport",
                httpTypes, logging, .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: Room.app + "viaduct", swiftSettings: strict),
        .executableTarget(
            name: "viaduct-pipeline", dependencies: ["PipelineChild"], path: Room.app + "viaduct-pipeline", swiftSettings: strict),
        // Benchmarks
        .executableTarget(
            name: "bench-hub", dependencies: ["MediaPlane", "BridgeModel", "Bridge", "RTP", "LinuxIO"], path: "Tests/Bench/Hub",
            exclude: ["hub.py", "run.sh"], swiftSettings: strict),
        .executableTarget(
            name: "bench-handshake", dependencies: ["SecureTransport"], path: "Tests/Bench/Handshake", exclude: ["handshake.py", "run.sh"],
            swiftSettings: strict),
        .executableTarget(
            name: "bench-edge-io",
            dependencies: ["MediaPlane", "EdgeTesting", "BridgeModel", "Bridge", "RTP", "SDP", "LinuxIO", "SecureTransport"],
            path: "Tests/Bench/EdgeIO", exclude: ["edge_io.py", "run.sh"], swiftSettings: strict),
        .executableTarget(
            name: "bench-front-door", dependencies: ["WebServerKit", httpTypes], path: "Tests/Bench/FrontDoor",
            exclude: ["front_door.py", "run.sh"], swiftSettings: strict),
        .executableTarget(
            name: "bench-ingress", dependencies: ["Forwarding", "BridgeModel", "RTP"], path: "Tests/Bench/Ingress", swiftSettings: strict),
        .executableTarget(
            name: "bench-egress", dependencies: ["Forwarding", "BridgeModel", "RTP"], path: "Tests/Bench/Egress", swiftSettings: strict),
        .executableTarget(
            name: "bench-protection", dependencies: ["SecureTransport", "ProtectionTesting", "COpenSSL"], path: "Tests/Bench/Protection",
            exclude: ["protection.py", "run.sh"], swiftSettings: strict),
        // Tests
        tests("GStreamerKit", in: Room.bindings, ["GStreamerKit"]),
        tests("WebServerKit", in: Room.bindings, ["WebServerKit", httpTypes]),
        tests("SecureTransport", in: Room.bindings, ["SecureTransport", "ProtectionTesting"]),
        .target(
            name: "ProtectionTesting", dependencies: ["SecureTransport", "CSRTP"], path: "Tests/Bindings/ProtectionTesting",
            swiftSettings: strict),
        tests("LinuxIO", in: Room.bindings, ["LinuxIO"]),
        tests("BridgeModel", in: Room.core, ["BridgeModel"]),
        tests("RTP", in: Room.core, ["RTP", "BridgeModel", "NetworkTesting"], exclude: ["make_vectors.py"]),
        tests("SDP", in: Room.core, ["SDP", "BridgeModel"], resources: [.copy("Fixtures")]),
        tests("PeerTransport", in: Room.core, ["PeerTransport", "BridgeModel"]),
        tests("Forwarding", in: Room.core, ["Forwarding", "BridgeModel", "RTP", "NetworkTesting"]),
        .target(
            name: "NetworkTesting", dependencies: ["BridgeModel"], path: "Tests/Core/NetworkTesting", swiftSettings: strict),
        tests("NetworkTesting", in: Room.core, ["NetworkTesting", "BridgeModel"]),
        tests("Bridge", in: Room.core, ["Bridge", "BridgeModel", "NetworkTesting"]),
        tests("LoadGeneration", in: Room.core, ["LoadGeneration", "BridgeModel", "RTP", "SDP"]),
        tests("Matroska", in: Room.core, ["Matroska", "BridgeModel"]),
        tests("ISOMedia", in: Room.core, ["ISOMedia", "BridgeModel"]),
        tests("Playback", in: Room.core, ["Playback", "BridgeModel"]),
        tests("Signaling", in: Room.core, ["Signaling", "BridgeModel", "Bridge", "SDP"]),
        tests(
            "SignalingPlane", in: Room.planes, ["SignalingPlane", "SignalingTesting", "BridgeModel", "Bridge", "Signaling", "WebServerKit"]),
        .target(
            name: "SignalingTesting",
            dependencies: ["SignalingPlane", "BridgeModel", "Bridge", "SDP", "Signaling", "WebServerKit", logging],
            path: "Tests/Planes/SignalingTesting", swiftSettings: strict),
        .testTarget(
            name: "ConformanceTests",
            dependencies: ["SignalingPlane", "SignalingTesting", "BridgeModel", "Bridge", "Signaling", "WebServerKit"],
            path: "Tests/Conformance",
            exclude: [
                "README.md", "camera_player.py", "play_transcripts.py", "player.py", "requirements.txt", "room_player.py",
                "test_signaling.py", "test_whip_whep.py", "whip_whep",
            ],
            swiftSettings: quicklyBuilt),
        .target(
            name: "EdgeTesting", dependencies: ["BridgeModel", "Bridge", "SDP", "LinuxIO", "SecureTransport"],
            path: "Tests/Planes/EdgeTesting", swiftSettings: strict),
        tests(
            "MediaPlane", in: Room.planes,
            [
                "MediaPlane", "EdgeTesting", "BridgeModel", "Bridge", "RTP", "SDP", "Forwarding", "LinuxIO", "PeerTransport",
                "SecureTransport",
            ]),
        tests("PipelinePlane", in: Room.planes, ["PipelinePlane", "BridgeModel", "Bridge", "LinuxIO", logging], exclude: ["child.py"]),
        tests(
            "PipelineChild", in: Room.planes,
            [
                "PipelineChild", "viaduct-pipeline", "BridgeModel", "Bridge", "RTP", "SDP", "Matroska", "ISOMedia", "LinuxIO",
                "GStreamerKit", "SecureTransport", "NetworkTesting",
            ]),
        tests("RecordingPlane", in: Room.planes, ["RecordingPlane", "BridgeModel", "Bridge", "Matroska", "ISOMedia", "LinuxIO", logging]),
        tests("DeliveryPlane", in: Room.planes, ["DeliveryPlane", "StoragePlane", "BridgeModel", "Bridge", logging]),
        tests(
            "StoragePlane", in: Room.planes,
            ["StoragePlane", "BridgeModel", "Bridge", "Playback", logging, .product(name: "GRDB", package: "GRDB.swift")]),
        tests(
            "AccessPlane", in: Room.planes, ["AccessPlane", "BridgeModel", "Bridge", crypto, .product(name: "JWTKit", package: "jwt-kit")]),
        .target(
            name: "BridgeTesting", dependencies: ["BridgeModel", "Bridge"], path: "Tests/Planes/BridgeTesting", swiftSettings: strict),
        tests(
            "ControlPlane", in: Room.planes,
            ["ControlPlane", "BridgeTesting", "BridgeModel", "Bridge", "Playback", "SDP", "StoragePlane", logging]),
        tests(
            "CameraPlane", in: Room.planes, ["CameraPlane", "BridgeTesting", "BridgeModel", "Bridge", "WebServerKit", httpTypes, logging]),
        tests(
            "PlaybackPlane", in: Room.planes,
            ["PlaybackPlane", "BridgeModel", "Bridge", "Matroska", "ISOMedia", "Playback", logging]),
        tests("HTTPCore", in: Room.api, ["HTTPCore", "BridgeModel", "Bridge", httpTypes]),
        tests("BridgeAPI", in: Room.api, ["BridgeAPI", "BridgeTesting", "BridgeModel", "Bridge", "Playback", "HTTPCore", httpTypes]),
        tests("EyesonDialect", in: Room.api, ["EyesonDialect", "BridgeModel", "Bridge", "HTTPCore", httpTypes]),
        tests("BridgeConfiguration", in: Room.app, ["BridgeConfiguration", "BridgeModel"]),
        tests(
            "viaduct", in: Room.app,
            ["viaduct", "BridgeModel", logging, .product(name: "ArgumentParser", package: "swift-argument-parser")]),
        .testTarget(name: "LayeringTests", path: "Tests/Layering", swiftSettings: quicklyBuilt),
    ]
)

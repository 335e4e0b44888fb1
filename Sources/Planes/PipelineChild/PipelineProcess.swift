internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// The child process: says `ready`, takes one plan over the control socket, runs it, and ends with it or with the bridge.
package enum PipelineProcess {
    /// The control socket's place among the inherited descriptors.
    package static let controlDescriptor: Int32 = 3
    /// Open files of a child that is not told otherwise: an ICE agent on many addresses needs most of them.
    private static let descriptorLimit: UInt = 256

    /// The argument before the number of files that the child may have open (`pipelines.file-descriptors`).
    package static let descriptorsArgument = "--descriptors"
    /// The argument of a child that will get a plan for which it does not need GStreamer, and must not load it.
    package static let withoutGStreamer = "--without-gstreamer"

    /// Runs the child until it is over; the result is the exit status: 0 as asked or after the bridge's death, 1 after `failed`.
    package static func run(arguments: [String], controlDescriptor: Int32 = Self.controlDescriptor) async -> Int32 {
        let hasGStreamer = !arguments.contains(withoutGStreamer)
        let channel = ControlChannel(descriptor: controlDescriptor)
        do {
            try ProcessHardening.apply(descriptors: descriptors(allowedBy: arguments))
            if hasGStreamer { try prepareGStreamer() }
        } catch {
            HostFacts.logLine("viaduct-pipeline: \(error)")
            channel.send(.failed(BridgeError(.pipelineUnavailable, "The pipeline's process cannot start: \(error).")))
            return 1
        }
        let session = ChildSession(channel: channel, loop: GLibLoop(name: "pipeline"), hasGStreamer: hasGStreamer)
        return await session.run()
    }

    private static func descriptors(allowedBy arguments: [String]) -> UInt {
        let number = arguments.firstIndex(of: descriptorsArgument).map { $0 + 1 }
        guard let number, arguments.indices.contains(number) else { return descriptorLimit }
        return UInt(arguments[number]) ?? descriptorLimit
    }

    /// Initialises GStreamer, refuses versions with known holes and warms up: what the first WebRTC pipeline would load, and the key pair
    /// that the first DTLS element makes for itself (half a second, RSA). The allow-list follows with the plan.
    package static func prepareGStreamer() throws {
        try GStreamer.initialise()
        try VersionGate.check(packageStatusFile: VersionGate.dpkgStatusFile)
        GStreamer.preload(ElementAllowList.webRTC)
        for factory in ["webrtcbin", "dtlsdec"] { _ = try Element(factory) }
    }
}

package import Bridge
internal import BridgeModel
internal import Logging

/// Whether the bridge can do its work, and its figures.
package struct Operations: ReadinessProbe, MetricsSource {
    private let services: RecordingServices
    private let sessions: SessionRegister
    private let recordings: RecordingDirector
    private let edge: (any EdgePeers)?
    private let others: @Sendable () async -> [MetricSample]

    /// `edge`: nil without our own engine. `others`: what the web server and the outbox count.
    package init(
        services: RecordingServices, sessions: SessionRegister, recordings: RecordingDirector, edge: (any EdgePeers)? = nil,
        others: @escaping @Sendable () async -> [MetricSample]
    ) {
        self.services = services
        self.sessions = sessions
        self.recordings = recordings
        self.edge = edge
        self.others = others
    }

    package func readiness() async -> [ReadinessCheck] {
        async let storage = check("storage") { [services] () throws(BridgeError) in _ = try await services.ledger.nextDeliveryDue() }
        async let spool = check("spool") { [services] () throws(BridgeError) in
            guard await services.files.hasSpace() else {
                throw BridgeError(.storageFull, "The recordings' disk is full up to its reserve or cannot be read.")
            }
        }
        async let pipelines = check("pipelines") { [services] () throws(BridgeError) in try await services.launcher.checkStart() }
        return await [storage, spool, pipelines]
    }

    private func check(_ name: String, _ trial: @Sendable () async throws(BridgeError) -> Void) async -> ReadinessCheck {
        do throws(BridgeError) {
            try await trial()
            return ReadinessCheck(name: name, isReady: true)
        } catch {
            // Everybody may ask: what names paths of this machine is for the operator's log alone.
            services.logger.error("not ready", metadata: ["check": "\(name)", "error": "\(error.message)"])
            return ReadinessCheck(name: name, isReady: false, message: "\(name): \(error.code.rawValue); the bridge's log says more.")
        }
    }

    /// Whole seconds; a ledger that cannot be read shows in the readiness.
    private var lateness: Int64 {
        get async {
            guard let due = try? await services.ledger.nextDeliveryDue() else { return 0 }
            return max(0, services.clock.wall().seconds - due.seconds)
        }
    }

    package func samples() async -> [MetricSample] {
        let running = await sessions.runningSessions
        let totals = await services.hub.totals()
        let peers = await edge?.totals().samples ?? []
        let children = await services.launcher.runningCount
        let recording = await recordings.count
        let hasRoom = await services.files.hasSpace()
        let directions = [SessionContext.Direction.publish, .watch].map { direction in
            MetricSample(
                name: "viaduct_sessions", help: "Running sessions.", kind: .gauge, labels: [.init("direction", direction.rawValue)],
                value: Double(running.count { $0.direction == direction }))
        }
        return directions + [
            .gauge("viaduct_recordings", "Recordings that are not yet at their destination.", recording),
            .gauge("viaduct_recordings_unstored", "Recordings whose state the ledger does not take.", services.unstored.count),
            .gauge("viaduct_spool_full", "1 while recordings have no room: the disk's reserve or the quota is reached.", hasRoom ? 0 : 1),
            .gauge("viaduct_pipelines", "Running pipeline processes, warm ones not counted.", children),
            .gauge("viaduct_delivery_lateness_seconds", "How long the oldest due delivery has waited.", await lateness),
        ] + totals.samples + peers + (await others())
    }
}

extension MetricSample {
    /// A gauge without labels.
    package static func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) -> MetricSample {
        MetricSample(name: name, help: help, kind: .gauge, value: Double(value))
    }

    /// A counter without labels.
    package static func counter(_ name: String, _ help: String, _ value: some BinaryInteger) -> MetricSample {
        MetricSample(name: name, help: help, kind: .counter, value: Double(value))
    }
}

extension HubTotals {
    fileprivate var samples: [MetricSample] {
        [
            .gauge("viaduct_streams", "Published streams.", streams),
            .gauge("viaduct_subscribers", "Viewers and recorders that the hub feeds.", subscribers),
            .counter("viaduct_packets_received_total", "RTP packets from sources.", packetsIn),
            .counter("viaduct_packets_sent_total", "RTP packets to viewers and recorders.", packetsOut),
            .counter("viaduct_packets_dropped_total", "RTP packets that a full socket could not take.", packetsDropped),
            .counter("viaduct_keyframe_requests_received_total", "Keyframe requests of viewers and recorders.", keyframeRequestsIn),
            .counter("viaduct_keyframe_requests_sent_total", "Keyframe requests to sources.", keyframeRequestsOut),
            .counter("viaduct_malformed_datagrams_total", "Datagrams of pipelines that were not understood.", malformed),
        ]
    }
}

extension EdgeTotals {
    fileprivate var samples: [MetricSample] {
        [
            .gauge("viaduct_peers", "WebRTC peers of the bridge's own engine.", peers),
            MetricSample(
                name: "viaduct_media_load_ratio",
                help: "Share of time in which the busiest media worker worked: the lesser of the last two seconds.", kind: .gauge,
                value: load),
            .counter("viaduct_peer_datagrams_received_total", "Datagrams that came to the port of WebRTC.", datagramsIn),
            .counter("viaduct_peer_datagrams_sent_total", "Datagrams to peers.", datagramsOut),
            .counter("viaduct_peer_datagrams_stray_total", "Datagrams that belong to no peer.", strangers),
            .counter("viaduct_peer_datagrams_refused_total", "Datagrams of peers that were not authentic or came too early.", refused),
            .counter("viaduct_peer_datagrams_dropped_total", "Datagrams to peers that a full socket could not take.", dropped),
        ]
    }
}

import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Foundation
import Testing

@Suite struct OperationsTests {
    private let bench = RecordingBench()
    private let sessions: SessionRegister

    init() {
        let outbox = OutboxWriter(reporter: EventReporter(translators: []), clock: bench.clock.clock, service: bench.delivery)
        sessions = SessionRegister(ledger: bench.ledger, outbox: outbox, limits: .init(), clock: bench.clock.clock, logger: Sample.logger)
    }

    private func operations(hub: FakeHub? = nil, edge: FakeEdge? = nil) -> Operations {
        var services = bench.services
        if let hub { services.hub = hub }
        return Operations(services: services, sessions: sessions, recordings: bench.director, edge: edge) {
            [.counter("viaduct_http_requests_total", "Requests.", 5)]
        }
    }

    private func unready() async -> [String] { await operations().readiness().filter { !$0.isReady }.map(\.name) }

    // MARK: - Readiness

    @Test func aBridgeThatWorksIsReady() async {
        let checks = await operations().readiness()
        #expect(checks.map(\.name) == ["storage", "spool", "pipelines"])
        #expect(checks.allSatisfy { $0.isReady && $0.message.isEmpty })
    }

    @Test func eachPartMayFailAlone() async {
        bench.ledger.fail(1)
        #expect(await unready() == ["storage"])
        bench.files.setSpace(false)
        #expect(await unready() == ["spool"])
        bench.files.setSpace(true)
        bench.launcher.refuse(BridgeError(.pipelineUnavailable, "viaduct-pipeline is missing"))
        #expect(await unready() == ["pipelines"])
        bench.launcher.refuse(nil)
        #expect(await unready().isEmpty)
    }

    @Test func whatFailsSaysWhy() async {
        bench.ledger.fail(1)
        bench.files.setSpace(false)
        bench.launcher.refuse(BridgeError(.pipelineUnavailable, "viaduct-pipeline is missing"))
        let checks = await operations().readiness()
        #expect(checks.allSatisfy { $0.message.contains($0.name) })
        #expect(checks.allSatisfy { !$0.isReady && !$0.message.contains("missing") }, "the words of an error may name paths")
    }

    // MARK: - Metrics

    @Test func metricsAreNamedAsPrometheusWantsThem() async {
        let samples = await operations(edge: FakeEdge()).samples()
        for sample in samples {
            #expect(sample.name.wholeMatch(of: /viaduct_[a-z]+(_[a-z]+)*/) != nil, "\(sample.name)")
            #expect(sample.name.hasSuffix("_total") == (sample.kind == .counter), "\(sample.name)")
            #expect(sample.help.hasSuffix("."), "\(sample.name)")
            #expect(sample.labels.allSatisfy { $0.name.wholeMatch(of: /[a-z]+/) != nil }, "\(sample.name)")
        }
        let series = samples.map { "\($0.name)\($0.labels.map { "\($0.name)=\($0.value)" })" }
        #expect(Set(series).count == series.count)
    }

    @Test func samplesOfOneMetricStandTogether() async {
        let samples = await operations().samples()
        var finished: Set<String> = []
        for (sample, next) in zip(samples, samples.dropFirst()) where sample.name != next.name {
            finished.insert(sample.name)
            #expect(!finished.contains(next.name), "\(next.name)")
        }
    }

    @Test func theFiguresAreThoseOfTheParts() async throws {
        for client in ["a", "b"] {
            let context = try await sessions.create(
                account: AccountID("acme"), client: ClientID(client), direction: .publish, stream: StreamID(client))
            try await sessions.started(context, webhookURL: nil, handle: FakeHandle())
        }
        _ = try await bench.start()
        let hub = FakeHub(
            totals: HubTotals(
                streams: 2, subscribers: 3, packetsIn: 11, packetsOut: 12, packetsDropped: 13, keyframeRequestsIn: 14,
                keyframeRequestsOut: 15, malformed: 16))
        let samples = await operations(hub: hub).samples()
        let values = Dictionary(uniqueKeysWithValues: samples.map { ("\($0.name)\($0.labels.first?.value ?? "")", $0.value) })
        #expect(
            values == [
                "viaduct_sessionspublish": 2, "viaduct_sessionswatch": 0, "viaduct_recordings": 1, "viaduct_recordings_unstored": 0,
                "viaduct_spool_full": 0,
                "viaduct_pipelines": 1,
                "viaduct_delivery_lateness_seconds": 0,
                "viaduct_streams": 2, "viaduct_subscribers": 3, "viaduct_packets_received_total": 11, "viaduct_packets_sent_total": 12,
                "viaduct_packets_dropped_total": 13, "viaduct_keyframe_requests_received_total": 14,
                "viaduct_keyframe_requests_sent_total": 15, "viaduct_malformed_datagrams_total": 16, "viaduct_http_requests_total": 5,
            ])
    }

    @Test func ourOwnEngineHasFiguresToo() async {
        var totals = EdgeTotals()
        totals.peers = 7
        totals.load = 0.25
        (totals.datagramsIn, totals.datagramsOut, totals.strangers, totals.refused, totals.dropped) = (21, 22, 23, 24, 25)
        let without = Set(await operations().samples().map(\.name))
        let samples = await operations(edge: FakeEdge(totals: totals)).samples().filter { !without.contains($0.name) }
        #expect(
            Dictionary(uniqueKeysWithValues: samples.map { ($0.name, $0.value) }) == [
                "viaduct_peers": 7, "viaduct_media_load_ratio": 0.25, "viaduct_peer_datagrams_received_total": 21,
                "viaduct_peer_datagrams_sent_total": 22, "viaduct_peer_datagrams_stray_total": 23,
                "viaduct_peer_datagrams_refused_total": 24, "viaduct_peer_datagrams_dropped_total": 25,
            ])
    }

    @Test func deliveriesThatAreLateShow() async throws {
        func lateness() async -> Double? {
            await operations().samples().first { $0.name == "viaduct_delivery_lateness_seconds" }?.value
        }
        let due = bench.clock.wall.advanced(by: .seconds(10))
        let row = DeliveryRow(
            id: DeliveryID("msg_1"), work: .webhook(url: RecordingBench.webhook, body: ""), account: AccountID("acme"),
            session: SessionID("s1"), dueAt: due, createdAt: due)
        try await bench.ledger.commit([.delivery(row)])
        #expect(await lateness() == 0)
        bench.clock.advance(by: .seconds(13))
        #expect(await lateness() == 3)
        bench.ledger.fail(1)
        #expect(await lateness() == 0)
    }
}

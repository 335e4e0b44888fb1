package import Bridge
package import BridgeModel
package import Logging

/// A camera on this machine: its source feeds a hub of its own, and the hub's stream is kept at the place where it is published, one session after
/// the other. The source never waits for a session, and a session outlives a source that fails and comes back.
package actor CameraDirector {
    /// What it stands on.
    package struct Services: Sendable {
        package var launcher: any PipelineLauncher
        package var hub: any MediaHub
        package var clock: BridgeClock
        package var logger: Logger

        package init(launcher: any PipelineLauncher, hub: any MediaHub, clock: BridgeClock, logger: Logger) {
            self.launcher = launcher
            self.hub = hub
            self.clock = clock
            self.logger = logger
        }
    }

    /// What it is and how it publishes.
    package struct Terms: Sendable {
        package var stream: StreamID
        package var capture: CapturePlan
        package var identity: DTLSIdentity
        package var ice: IceSettings
        /// The ladder after a loss.
        package var ladder: ConferenceMachine.Limits
        /// Where it records while it is not connected; nil: nowhere.
        package var offline: OfflineRecorder.Terms?
        /// It publishes only while it is told to, and does not touch its source before.
        package var standsBy: Bool
        /// Makes the call of one session; throws what keeps it from being made.
        package var call: @Sendable () throws(ConferenceFault) -> any ConferenceCall

        package init(
            stream: StreamID, capture: CapturePlan, identity: DTLSIdentity, ice: IceSettings, ladder: ConferenceMachine.Limits,
            offline: OfflineRecorder.Terms? = nil, standsBy: Bool = false,
            call: @escaping @Sendable () throws(ConferenceFault) -> any ConferenceCall
        ) {
            self.stream = stream
            self.capture = capture
            self.identity = identity
            self.ice = ice
            self.ladder = ladder
            self.offline = offline
            self.standsBy = standsBy
            self.call = call
        }
    }

    private let services: Services
    private let terms: Terms
    private let offline: OfflineRecorder?
    private var machine: ConferenceMachine
    private var random = SystemRandomNumberGenerator()
    private var leg: ConferenceLeg?
    private var iceServers: [IceServer] = []
    private var timer: Task<Void, Never>?
    private var outcome: AsyncStream<ConferenceFault?>.Continuation?
    /// What cannot be tried again.
    private var refusal: ConferenceFault?
    private var intent = Intent.resting
    private let feed: CaptureFeed

    /// What it is there for now.
    private enum Intent {
        /// To send nothing until it is told to.
        case resting
        case publishing
        /// Nothing is begun any more.
        case stopping
    }

    package init(_ services: Services, terms: Terms) {
        self.services = services
        self.terms = terms
        machine = ConferenceMachine(limits: terms.ladder)
        feed = CaptureFeed(
            terms.capture, stream: terms.stream, preRoll: terms.offline == nil ? nil : OfflineRecorder.preRoll, services: services)
        offline = terms.offline.map {
            OfflineRecorder($0, stream: terms.stream, tracks: terms.capture.tracks, services: services)
        }
    }

    private var live: LiveStream {
        let name = terms.stream.rawValue
        return LiveStream(
            context: SessionContext(
                session: SessionID(name), account: AccountID("camera"), client: ClientID(name), stream: terms.stream, direction: .publish),
            tracks: terms.capture.tracks, peer: PeerID(name), source: .child(MediaDescriptor(-1)), since: services.clock.wall())
    }

    /// Of the source's process, at most five seconds old.
    package var source: PipelineStats { get async { await feed.statistics } }

    /// Whether its microphone is heard; nil without one, or before that is known.
    package var microphone: MicrophoneState? { get async { await feed.microphone } }

    /// How its session is.
    package var phase: ConferencePhase { machine.phase }

    /// Publishes until `stop`, or until it is refused for good: that is returned.
    package func run() async -> ConferenceFault? {
        let (outcomes, outcome) = AsyncStream.makeStream(of: ConferenceFault?.self)
        self.outcome = outcome
        if !terms.standsBy { await begin(greatestHeight: nil) }
        var end: ConferenceFault?
        for await reason in outcomes {
            end = reason
            break
        }
        intent = .stopping
        await feed.finish()
        await offline?.close()
        await feed.close()
        timer?.cancel()
        return end
    }

    /// How long the other side may take to hear the goodbye.
    private static let farewell = Duration.seconds(5)

    /// Leaves; `run` returns when the other side was told, or could not be in 5 s.
    package func stop() async {
        intent = .stopping
        await feed.finish()
        Task { [clock = services.clock, outcome] in
            guard (try? await clock.pause(Self.farewell)) != nil else { return }
            outcome?.yield(nil)
        }
        await take(.remove)
    }

    /// Does what an order asks of pictures or sound; every other changes nothing.
    package func adjust(_ order: CameraOrder) async { await feed.adjust(order) }

    /// Sends, from now on, pictures of at most so many lines. A source that sends smaller ones is started again, a larger one stays
    /// as it is.
    package func begin(greatestHeight: Int?) async {
        guard intent != .stopping else { return }
        intent = .publishing
        await feed.begin(greatestHeight: greatestHeight) { [weak self] in await self?.sourceStarted() }
    }

    private func sourceStarted() async {
        if intent == .publishing { await take(.streamLive) }
    }

    /// Sends nothing until `begin`, and lets the source go.
    package func rest() async {
        guard terms.standsBy, intent == .publishing else { return }
        intent = .resting
        await feed.rest()
        await take(.streamEnded)
    }

    // MARK: - The sessions

    private func take(_ input: ConferenceMachine.Input) async {
        let effects = machine.handle(input, now: services.clock.now(), using: &random)
        armTimer()
        for effect in effects { await carryOut(effect) }
        await tellOffline()
    }

    private func tellOffline() async {
        guard let offline, intent != .stopping else { return }
        // Nothing is missed that nobody wants.
        guard intent == .publishing else { return await offline.online() }
        switch machine.phase {
        case .live: await offline.online()
        case .connecting, .interrupted, .leaving, .backingOff: await offline.offline()
        case .waiting, .ended: break
        }
    }

    private func armTimer() {
        timer?.cancel()
        timer = machine.deadline.map { deadline in
            Task { [weak self, clock = services.clock] in
                guard (try? await clock.sleep(deadline)) != nil else { return }
                await self?.take(.deadline)
            }
        }
    }

    private func carryOut(_ effect: ConferenceMachine.Effect) async {
        switch effect {
        case .open(let session): await open(session)
        case .restart:
            services.logger.info("the path is lost; ICE begins anew")
            Task { [leg] in await leg?.restart() }
        case .close(let session):
            guard let leg else { return await take(.closed(session: session)) }
            await leg.close()
        case .reportConnected: services.logger.notice("live", metadata: ["stream": "\(terms.stream)"])
        case .reportDisconnected(let reason): services.logger.warning("not live any more", metadata: ["reason": "\(reason.message)"])
        // Each session's end is told by itself.
        case .reportTrouble, .reportTroubleEnded: break
        case .reportEnded(let reason): outcome?.yield(refusal ?? ConferenceFault(reason, isPermanent: true))
        case .finished: outcome?.yield(nil)
        }
    }

    private func open(_ session: Int) async {
        let call: any ConferenceCall
        do throws(ConferenceFault) {
            call = try terms.call()
        } catch {
            refusal = error.isPermanent ? error : nil
            return await take(.failed(session: session, error))
        }
        var ice = terms.ice
        // The operator chose the place, and with it the servers that it names.
        ice.add(iceServers, rules: AddressRules(allowPrivate: true))
        let tracks = ConferencePlan.tracks(of: terms.capture.tracks, audioLevel: terms.capture.audioLevel)
        let plan = ConferencePlan(tracks: tracks, identity: terms.identity, ice: ice)
        let leg = ConferenceLeg(
            stream: live, call: call, services: .init(launcher: services.launcher, hub: services.hub, allowed: { $0 })
        ) { [weak self] news in await self?.hear(news, session) }
        self.leg = leg
        Task { await leg.run(PipelinePlan(pipeline: PipelineID("camera-\(RandomUUID.text())"), work: .conference(plan))) }
    }

    private func hear(_ news: ConferenceLeg.News, _ session: Int) async {
        switch news {
        case .holding, .sent, .warned: break
        case .answered(let servers): iceServers = servers
        case .connected: await take(.connected(session: session))
        case .interrupted: await take(.interrupted(session: session))
        case .restartRefused: services.logger.info("ICE could not begin anew")
        case .failed(let fault):
            if fault.isPermanent {
                refusal = fault
            } else {
                services.logger.warning(
                    "a session failed and another one follows",
                    metadata: ["reason": "\(fault.error.message)", "attempt": "\(machine.attempts)"])
            }
            await take(.failed(session: session, fault))
        case .closed:
            leg = nil
            await take(.closed(session: session))
        }
    }
}

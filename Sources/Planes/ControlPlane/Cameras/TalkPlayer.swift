package import Bridge
package import BridgeModel
internal import Logging

/// Plays a stream of the bridge to whoever stands by a camera, as long as it is told to: one session after the other, never two. What the bridge
/// refuses now it may allow later, so that it is tried again for ever.
package actor TalkPlayer {
    /// How it plays.
    package struct Terms: Sendable {
        package var speaker: TalkPlan.Speaker
        package var identity: DTLSIdentity
        package var ice: IceSettings
        /// The ladder after a loss.
        package var ladder: ConferenceMachine.Limits
        /// Makes the call of one session that watches a stream; throws what keeps it from being made.
        package var call: @Sendable (StreamID) throws(ConferenceFault) -> any ConferenceCall

        package init(
            speaker: TalkPlan.Speaker, identity: DTLSIdentity, ice: IceSettings, ladder: ConferenceMachine.Limits,
            call: @escaping @Sendable (StreamID) throws(ConferenceFault) -> any ConferenceCall
        ) {
            self.speaker = speaker
            self.identity = identity
            self.ice = ice
            self.ladder = ladder
            self.call = call
        }
    }

    /// How long the bridge may take to hear the goodbye.
    private static let farewell = Duration.seconds(3)

    private let services: CameraDirector.Services
    private let terms: Terms
    private var machine: ConferenceMachine
    private var random = SystemRandomNumberGenerator()
    private var wanted: StreamID?
    private var leg: ConferenceLeg?
    private var timer: Task<Void, Never>?
    private let end: (reached: AsyncStream<Void>, mouth: AsyncStream<Void>.Continuation)

    package init(_ services: CameraDirector.Services, terms: Terms) {
        self.services = services
        self.terms = terms
        machine = ConferenceMachine(limits: terms.ladder)
        let (reached, mouth) = AsyncStream.makeStream(of: Void.self)
        end = (reached, mouth)
    }

    /// How its session is.
    package var phase: ConferencePhase { machine.phase }

    /// Plays this from now on; nil: nothing.
    package func play(_ stream: StreamID?) async {
        guard stream != wanted else { return }
        let had = wanted != nil
        wanted = stream
        if had { await take(.streamEnded) }
        // Between the two another order may have come.
        if wanted != nil { await take(.streamLive) }
    }

    /// Ends for good; returns when the bridge was told, or could not be in 3 s.
    package func close() async {
        wanted = nil
        await take(.remove)
        let limit = Task { [clock = services.clock, end] in
            _ = try? await clock.pause(Self.farewell)
            end.mouth.yield()
        }
        for await _ in end.reached { break }
        limit.cancel()
        timer?.cancel()
    }

    private func take(_ input: ConferenceMachine.Input) async {
        let effects = machine.handle(input, now: services.clock.now(), using: &random)
        armTimer()
        for effect in effects { await carryOut(effect) }
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
        case .restart: Task { [leg] in await leg?.restart() }
        case .close(let session):
            guard let leg else { return await take(.closed(session: session)) }
            await leg.close()
        case .reportConnected: services.logger.notice("talked to", metadata: ["stream": "\(wanted?.rawValue ?? "")"])
        case .reportDisconnected(let reason):
            services.logger.notice("not talked to any more", metadata: ["reason": "\(reason.message)"])
        // Each session's end is told by itself.
        case .reportTrouble, .reportTroubleEnded: break
        case .reportEnded, .finished: end.mouth.yield()
        }
    }

    private func open(_ session: Int) async {
        guard let wanted else { return await take(.failed(session: session, Self.nothing)) }
        let call: any ConferenceCall
        do throws(ConferenceFault) {
            call = try terms.call(wanted)
        } catch {
            return await hear(.failed(error), session)
        }
        let plan = TalkPlan(speaker: terms.speaker, identity: terms.identity, ice: terms.ice)
        let leg = ConferenceLeg(
            stream: listener(wanted), call: call, services: .init(launcher: services.launcher, hub: services.hub, allowed: { $0 })
        ) { [weak self] news in await self?.hear(news, session) }
        self.leg = leg
        Task { await leg.run(PipelinePlan(pipeline: PipelineID("talk-\(RandomUUID.text())"), work: .talk(plan))) }
    }

    /// What a bridge means by the statuses of its WHEP endpoint.
    private static func words(_ fault: ConferenceFault, of stream: StreamID?) -> String {
        switch fault.status {
        case 409: "Nobody publishes the stream \(stream?.rawValue ?? "") now."
        case 401, 403: "The bridge does not let this camera watch the stream \(stream?.rawValue ?? ""); give it a token that may."
        default: fault.error.message
        }
    }

    private static let nothing = ConferenceFault(BridgeError(.noMedia, "Nothing is to be played."))

    /// Nothing of the stream goes through the camera's own hub.
    private func listener(_ stream: StreamID) -> LiveStream {
        LiveStream(
            context: SessionContext(
                session: SessionID(stream.rawValue), account: AccountID("camera"), client: ClientID("speaker"), stream: stream,
                direction: .watch),
            tracks: [], peer: PeerID("speaker"), source: .child(MediaDescriptor(-1)), since: services.clock.wall())
    }

    private func hear(_ news: ConferenceLeg.News, _ session: Int) async {
        switch news {
        case .holding, .sent, .answered, .warned, .restartRefused: break
        case .connected: await take(.connected(session: session))
        case .interrupted: await take(.interrupted(session: session))
        case .failed(var fault):
            services.logger.warning(
                "the voice cannot be played now and is tried again",
                metadata: ["reason": "\(Self.words(fault, of: wanted))", "attempt": "\(machine.attempts)"])
            fault.isPermanent = false
            await take(.failed(session: session, fault))
        case .closed:
            leg = nil
            await take(.closed(session: session))
        }
    }
}

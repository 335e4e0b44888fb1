import Bridge
import BridgeModel
import Foundation
import Signaling

/// The two machines alone, in virtual time, with a bridge that answers at once.
struct MachineStage: Stage {
    private struct Socket {
        let id: SocketID
        var machine: SocketMachine
        var frames: [JSONValue] = []
        var closeCode: UInt16?
    }

    private var session: SessionMachine
    private let context: SessionContext
    private var sockets: [String: Socket] = [:]
    private var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private var notedCalls: [String] = []
    private var peers = 0
    private var newestSlot = PeerSlot(0)
    private var recordings = 0
    private var layers: [VideoLayer] = []

    init(_ context: SessionContext) {
        self.context = context
        session = SessionMachine(context: context, limits: SessionLimits(), now: now)
    }

    mutating func connect(_ name: String, by entrance: Entrance) {
        guard case .session(let path) = entrance else { return }
        let machine = SocketMachine(client: context.client, path: path, form: RTMForm(), limits: SocketLimits(), now: now)
        sockets[name] = Socket(id: SocketID(UInt64(sockets.count + 1)), machine: machine)
    }

    mutating func send(_ text: String?, on name: String) {
        guard var socket = sockets[name], socket.closeCode == nil else { return }
        guard let text else { return closeForFault(name, .unsupportedData) }
        var known = socket.machine.session
        do throws(RTMFault) {
            try socket.machine.admit(now: now)
            let (envelope, named) = try socket.machine.envelope(of: try? JSONValue.read(text.utf8))
            guard named == context.session else {
                let error = RTMError(.sessionNotFound, "no such session", field: "session_id")
                throw RTMFault(error, inReplyTo: envelope.kind.rawValue, close: .notFound)
            }
            known = named
            let request = try socket.machine.request(in: envelope, of: named)
            socket.machine.bind(to: named)
            sockets[name] = socket
            give(.request(request, from: socket.id))
            if session.phase != .new || request.kind == .sessionStart { sockets[name]?.machine.sessionWasStarted() }
        } catch {
            let fault = socket.machine.counted(error, now: now)
            sockets[name] = socket
            refuse(fault, on: name, in: known)
        }
    }

    private mutating func refuse(_ fault: RTMFault, on name: String, in known: SessionID?) {
        guard let socket = sockets[name] else { return }
        if socket.machine.session != nil, fault.close == nil { return give(.fault(fault, from: socket.id)) }
        sockets[name]?.frames.append(fault.reply.frame(client: context.client, session: known))
        if let code = fault.close { closeForFault(name, code) }
    }

    private mutating func closeForFault(_ name: String, _ code: CloseCode) {
        guard let id = sockets[name]?.id else { return }
        sockets[name]?.closeCode = code.rawValue
        give(.socketClosed(id, .lost))
    }

    mutating func close(_ name: String, code: UInt16) {
        guard let id = sockets[name]?.id else { return }
        give(.socketClosed(id, SessionMachine.SocketEnd(code: code)))
    }

    mutating func frame(on name: String) -> JSONValue? {
        guard let socket = sockets[name], !socket.frames.isEmpty else { return nil }
        return sockets[name]?.frames.removeFirst()
    }

    mutating func closeCode(of name: String) -> UInt16? { sockets[name].flatMap { $0.frames.isEmpty ? $0.closeCode : nil } }

    mutating func advance(_ duration: Duration) {
        let end = now.advanced(by: duration)
        while let deadline = session.deadline, deadline <= end {
            now = max(now, deadline)
            give(.time)
        }
        now = end
        for (name, socket) in sockets where socket.closeCode == nil && socket.machine.isLate(now: now) {
            closeForFault(name, .startTimeout)
        }
    }

    mutating func bridge(_ event: BridgeSideEvent) {
        switch event {
        case .peer(let event): give(.peer(newestSlot, event))
        case .recording(let state, let message):
            let at = WallTime(milliseconds: 1_709_283_601_120)
            give(.recording(RecordingUpdate(recording: RecordingID("rec-\(recordings)"), state: state, message: message, at: at)))
        case .end(let cause): give(.end(cause))
        case .layers(let layers): self.layers = layers
        case .order: break
        }
    }

    mutating func calls(_ count: Int) -> [String] {
        defer { notedCalls = [] }
        return notedCalls
    }

    // MARK: Effects

    private mutating func give(_ input: SessionMachine.Input) {
        var inputs = [input]
        while !inputs.isEmpty {
            for effect in session.handle(inputs.removeFirst(), now: now) { inputs += perform(effect) }
        }
    }

    /// What follows from an effect.
    private mutating func perform(_ effect: SessionMachine.Effect) -> [SessionMachine.Input] {
        switch effect {
        case .send(let reply, let id):
            if let name = name(of: id) { sockets[name]?.frames.append(reply.frame(client: context.client, session: context.session)) }
            return []
        case .close(let id, let code):
            if let name = name(of: id) { sockets[name]?.closeCode = code.rawValue }
            return []
        case .call(let call): return answer(call)
        case .retire: return []
        }
    }

    private func name(of id: SocketID) -> String? { sockets.first { $0.value.id == id }?.key }

    private mutating func answer(_ call: SessionMachine.ServiceCall) -> [SessionMachine.Input] {
        switch call {
        case .openPeer(let slot, let offer): return openPeer(slot, offer)
        case .recordSession: return note("sessionStarted", .sessionRecorded)
        case .addCandidate(let candidate, let peer): return note("addCandidate \(peer) \(candidate.candidate)", .candidateApplied)
        case .restartPeer(let peer, _):
            return note("restartPeer \(peer)", .restartRefused(peer, BridgeError(.unavailable, "This engine cannot restart ICE.")))
        case .closePeer(let peer): return note("closePeer \(peer)", nil)
        case .startRecording:
            recordings += 1
            return note("startRecording", .recordingStarted(RecordingID("rec-\(recordings)")))
        case .stopRecording(let id): return note("stopRecording \(id)", .recordingStopping(id))
        case .readLayers(let peer): return [.outcome(.layersRead(layers, of: peer))]
        case .selectLayer(let choice, _):
            let isThere = layers.contains(where: choice.admits)
            return [.outcome(isThere ? .layerSelected(choice, layers) : .layerRefused(BridgeError(.invalidField, "no such layer")))]
        case .endSession(let cause): return note("sessionEnded \(cause.rawValue)", .sessionEnded)
        }
    }

    private mutating func openPeer(_ slot: PeerSlot, _ offer: String) -> [SessionMachine.Input] {
        guard !offer.contains("unacceptable") else {
            return note("openPeer refused", .peerRefused(slot, BridgeError(.unacceptableOffer, "nothing to carry")))
        }
        peers += 1
        newestSlot = slot
        return note("openPeer", .peerOpened(slot, PeerID("peer-\(peers)"))) + [.peer(slot, .answer(sdp: "answer \(peers)"))]
    }

    private mutating func note(_ call: String, _ outcome: SessionMachine.ServiceOutcome?) -> [SessionMachine.Input] {
        notedCalls.append(call)
        return outcome.map { [.outcome($0)] } ?? []
    }
}

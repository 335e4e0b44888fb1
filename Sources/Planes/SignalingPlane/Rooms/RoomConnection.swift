import Bridge
import BridgeModel
import Logging
import Signaling
import WebServerKit

/// One room socket from upgrade to close: opens it by its link, reads its frames in order, polices them and hands them to the room one at a time.
actor RoomConnection {
    private let port: RoomPort
    private let door: any RoomDoor
    private let clock: RTMClock
    private let logger: Logger
    private let joinDeadline: MonotonicTime
    private var police: FramePolice
    /// Orders that cameras have in hand.
    private var orders = 0

    init(port: RoomPort, door: any RoomDoor, limits: SocketLimits, clock: RTMClock, logger: Logger) {
        self.port = port
        self.door = door
        self.clock = clock
        self.logger = logger
        police = FramePolice(limits: limits, now: clock.now())
        joinDeadline = clock.now().advanced(by: limits.start)
    }

    /// Serves the socket until it is closed, by whichever side.
    func run(_ events: AsyncStream<WebSocketEvent>, room: RoomID, token: Redacted<String>) async {
        let joinTimer = startJoinTimer()
        defer { joinTimer.cancel() }
        let socket: RoomSocketID
        do throws(BridgeError) {
            socket = try await door.open(room, token: token.revealed) { [port] event in port.tell(event) }
        } catch {
            logger.debug("room socket refused", metadata: ["code": "\(error.code.rawValue)"])
            port.refuse(RoomRefusal(error), nil)
            return port.close(CloseCode(opening: error))
        }
        reading: for await event in events {
            switch event {
            case .text(let text) where !port.isClosed: await receive(text, from: socket)
            case .text: break
            case .binary: port.close(.unsupportedData)
            case .closed: break reading
            }
        }
        if !port.isDismissed { await door.lost(socket) }
    }

    /// Returns when the room is through with the frame: only then the next one is read, and a client that sends more waits.
    private func receive(_ text: String, from socket: RoomSocketID) async {
        var reference: String?
        do throws(RTMFault) {
            try police.admit(now: clock.now())
            let json = try? JSONValue.read(text.utf8)
            reference = RoomForm.reference(in: json)
            let frame = try RoomForm.frame(in: json)
            if case .cameraOrder(let seat, let order) = frame.message { return try direct(order, seat, frame.name, socket) }
            port.begin(frame.name)
            await door.receive(frame.message, from: socket)
            port.finish()
        } catch {
            refuse(error, reference)
        }
    }

    private static let mostOrders = 32

    /// A camera takes its time: what comes after its order does not wait for it.
    private func direct(_ order: CameraOrder, _ seat: SeatID, _ name: RoomFrame.Name, _ socket: RoomSocketID) throws(RTMFault) {
        guard orders < Self.mostOrders else {
            let error = RTMError(.rateLimited, "\(Self.mostOrders) orders wait for cameras already; wait until one is done")
            throw RTMFault(error, inReplyTo: name.type)
        }
        orders += 1
        Task {
            port.settle(name, await door.direct(order, seat, from: socket))
            orders -= 1
        }
    }

    private func refuse(_ fault: RTMFault, _ reference: String?) {
        let fault = police.counted(fault, now: clock.now())
        logger.debug("message refused", metadata: ["code": "\(fault.error.code.rawValue)"])
        port.refuse(RoomRefusal(fault.error), RoomFrame.Name(type: fault.inReplyTo, reference: reference))
        if let code = fault.close { port.close(code) }
    }

    /// Closes with 4408 whoever has not joined by then.
    private func startJoinTimer() -> Task<Void, Never> {
        Task { [port, clock, joinDeadline] in
            guard (try? await clock.sleep(joinDeadline)) != nil, !port.hasJoined else { return }
            port.close(.startTimeout)
        }
    }
}

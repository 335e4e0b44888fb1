package import Bridge
package import BridgeModel
package import Logging
package import Signaling
import Synchronization
import WebServerKit

extension SocketLimits {
    /// What bounds a camera's socket: it sends answers to orders.
    package static var ofCameras: SocketLimits {
        var limits = SocketLimits()
        limits.start = .seconds(10)
        limits.messagesPerSecond = 50
        limits.messageBurst = 100
        return limits
    }
}

/// The sockets of cameras' agents, `/bridge/v1/cameras/<camera>/io`. The front door verifies the token, upgrades, and hands the socket over with `serve`.
package final class CameraSocketService: Sendable {
    private struct State {
        var writers: [UInt64: SocketWriter] = [:]
        var last: UInt64 = 0
        var isDraining = false
    }

    private let door: any CameraDoor
    private let limits: SocketLimits
    private let clock: RTMClock
    private let logger: Logger
    private let state = Mutex(State())

    package init(_ door: any CameraDoor, limits: SocketLimits = .ofCameras, clock: RTMClock, logger: Logger) {
        self.door = door
        self.limits = limits
        self.clock = clock
        self.logger = logger
    }

    /// Serves one upgraded socket; returns when it is closed. While the plane shuts down it is closed at once with 1001.
    package func serve(_ socket: some RTMTransport, camera: ClientID, account: AccountID) async {
        let writer = SocketWriter(socket)
        guard let number = admit(writer) else { return writer.close(.goingAway) }
        defer { state.withLock { $0.writers[number] = nil } }
        var logger = logger
        logger[metadataKey: "camera"] = "\(camera)"
        let connection = CameraConnection(writer, door: door, limits: limits, clock: clock, logger: logger)
        await connection.run(socket.events, camera: camera, account: account)
    }

    /// Closes all sockets with 1001; those that come later are, too.
    package func shutdown() {
        let writers = state.withLock { state in
            state.isDraining = true
            return Array(state.writers.values)
        }
        for writer in writers { writer.close(.goingAway) }
    }

    /// nil while draining.
    private func admit(_ writer: SocketWriter) -> UInt64? {
        state.withLock { state in
            guard !state.isDraining else { return nil }
            state.last += 1
            state.writers[state.last] = writer
            return state.last
        }
    }
}

/// One camera's socket from upgrade to close.
private actor CameraConnection {
    private let writer: SocketWriter
    private let door: any CameraDoor
    private let clock: RTMClock
    private let logger: Logger
    private let helloDeadline: MonotonicTime
    private var police: FramePolice
    private var hasHello = false

    init(_ writer: SocketWriter, door: any CameraDoor, limits: SocketLimits, clock: RTMClock, logger: Logger) {
        self.writer = writer
        self.door = door
        self.clock = clock
        self.logger = logger
        police = FramePolice(limits: limits, now: clock.now())
        helloDeadline = clock.now().advanced(by: limits.start)
    }

    func run(_ events: AsyncStream<WebSocketEvent>, camera: ClientID, account: AccountID) async {
        let timer = Task { await self.expectHello() }
        defer { timer.cancel() }
        let socket = await door.open(camera, of: account) { [writer] event in
            switch event {
            case .order(let number, let order): writer.tell(CameraMessage.order(number, order))
            case .closed: writer.close(.takenOver)
            }
        }
        var end = CameraEnd.connectionLost
        reading: for await event in events {
            switch event {
            case .text(let text) where !writer.isClosed: await receive(text, from: socket)
            case .text: break
            case .binary: writer.close(.unsupportedData)
            case .closed(let code):
                end = CameraEnd(closeCode: code, isOurs: writer.isClosed)
                break reading
            }
        }
        await door.lost(socket, end)
    }

    private func receive(_ text: String, from socket: CameraSocketID) async {
        guard text.utf8.count <= CameraForm.frameBytes else { return writer.close(.messageTooBig) }
        do throws(RTMFault) {
            try police.admit(now: clock.now())
            let message = try CameraForm.message(in: try? JSONValue.read(text.utf8))
            if case .hello = message { hasHello = true }
            await door.receive(message, from: socket)
        } catch {
            let fault = police.counted(error, now: clock.now())
            logger.debug("camera's frame refused", metadata: ["code": "\(fault.error.code.rawValue)"])
            writer.tell(CameraMessage.refusal(fault))
            if let code = fault.close { writer.close(code) }
        }
    }

    private func expectHello() async {
        guard (try? await clock.sleep(helloDeadline)) != nil, !hasHello else { return }
        writer.close(.startTimeout)
    }
}

extension SocketWriter {
    fileprivate func close(_ code: CloseCode) { close(code, reason: code.reasonOfCamera) }

    /// A reader so slow that the queue is full is closed with 1013.
    fileprivate func tell(_ frame: JSONValue) { if !send(frame) { close(.tryAgainLater) } }
}

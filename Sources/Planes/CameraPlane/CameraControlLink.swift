package import Bridge
package import BridgeModel
package import Logging
internal import Signaling
internal import WebServerKit

/// A camera's control socket at a bridge of ours, kept open: says what the camera can, gives it the bridge's orders one after another, and says what became
/// of them.
package actor CameraControlLink {
    /// Where it is, and by whose leave.
    package struct Terms: Sendable {
        /// Origin of the bridge, for instance `http://127.0.0.1:8080`.
        package var origin: String
        package var camera: ClientID
        /// The token of the moment; throws what keeps it from being read.
        package var token: @Sendable () throws(ConferenceFault) -> Redacted<String>?

        package init(origin: String, camera: ClientID, token: @escaping @Sendable () throws(ConferenceFault) -> Redacted<String>?) {
            self.origin = origin
            self.camera = camera
            self.token = token
        }
    }

    /// A newer socket took over (`signaling/asyncapi.yaml`).
    private static let takenOver: UInt16 = 4409

    private let terms: Terms
    private let controls: any CameraControls
    private let clock: BridgeClock
    private let logger: Logger
    private var retries = ControlRetries()
    /// The one that is open and has heard what the camera can.
    private var socket: WebSocket?

    package init(_ terms: Terms, controls: any CameraControls, clock: BridgeClock, logger: Logger) {
        self.terms = terms
        self.controls = controls
        self.clock = clock
        self.logger = logger
    }

    /// Says how the camera is, if somebody is there to hear it.
    package func tell(_ health: CameraHealth) { _ = socket?.send(CameraMessage.health(health).text) }

    /// Obeys until its task is cancelled, or until the bridge refuses it for good: that is returned.
    package func run() async -> ConferenceFault? {
        while !Task.isCancelled {
            var pause = Duration.zero
            do throws(ConferenceFault) {
                let code = try await obey()
                pause = code == Self.takenOver ? ControlRetries.replacedPause : .zero
                if code == Self.takenOver {
                    logger.warning("another agent obeys under this camera's name; stop one of the two")
                }
            } catch {
                if error.isPermanent { return error }
                logger.debug("the control socket is not open", metadata: ["reason": "\(error.error.message)"])
            }
            pause = max(pause, retries.lost(now: clock.now()))
            guard (try? await clock.sleep(clock.now().advanced(by: pause))) != nil else { return nil }
        }
        return nil
    }

    /// One socket, from its opening to its close code.
    private func obey() async throws(ConferenceFault) -> UInt16 {
        let socket = try await connect()
        retries.opened(now: clock.now())
        logger.info("the control socket is open", metadata: ["camera": "\(terms.camera)"])
        defer { self.socket = nil }
        return await withTaskCancellationHandler {
            _ = socket.send(CameraMessage.hello(await controls.abilities).text)
            self.socket = socket
            for await event in socket.events {
                switch event {
                case .text(let text): await receive(text, socket)
                case .binary: break
                case .closed(let code): return code
                }
            }
            return 0
        } onCancel: {
            socket.close(code: 1000, reason: "")
        }
    }

    private func receive(_ text: String, _ socket: WebSocket) async {
        switch CameraForm.instruction(in: try? JSONValue.read(text.utf8)) {
        case .order(let number, let order):
            do throws(BridgeError) {
                guard await controls.abilities.allow(order) else {
                    throw BridgeError(.invalidField, "This camera cannot do that; its abilities say what it can.")
                }
                try await controls.perform(order)
                _ = socket.send(CameraMessage.done(number).text)
            } catch {
                logger.notice("an order was not carried out", metadata: ["reason": "\(error.message)"])
                _ = socket.send(CameraMessage.refused(number, error).text)
            }
        case .unknown(let number, let error): _ = socket.send(CameraMessage.refused(number, error).text)
        case nil: break
        }
    }

    private func connect() async throws(ConferenceFault) -> WebSocket {
        let token = try terms.token().map { "?auth_token=" + PercentEncoding.encode($0.revealed) } ?? ""
        let place = "ws" + terms.origin.dropFirst("http".count)
        let url = "\(place)/bridge/v1/cameras/\(PercentEncoding.encode(terms.camera.rawValue))/io"
        do throws(WebServerError) {
            return try await WebSocketClient.connect(url: url + token)
        } catch {
            // The whole URL carries the token: it must not be told.
            switch error {
            case .upgradeRefused(let status) where [401, 403, 404].contains(status):
                throw ConferenceFault(Self.refused(status, url), isPermanent: true, status: status)
            case .invalidURL: throw Self.fault("\(url) is no URL of a WebSocket; check --to.")
            default: throw Self.fault("\(url) could not be opened: \(error.description)")
            }
        }
    }

    private static func fault(_ text: String) -> ConferenceFault { ConferenceFault(BridgeError(.conferenceUnavailable, text)) }

    private static func refused(_ status: Int, _ url: String) -> BridgeError {
        if status == 404 {
            return BridgeError(.conferenceRefused, "\(url) is not there (404): the bridge directs no cameras; use a newer one.")
        }
        let advice = "put a token that may publish the camera's stream into the token file (viaduct token --allow publish)."
        return BridgeError(.forbidden, "\(url) refused the camera's token with \(status); \(advice)")
    }
}

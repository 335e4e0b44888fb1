internal import Bridge
internal import FoundationEssentials
internal import LinuxIO
internal import Synchronization

/// The child's end of the control socket: typed events out, typed commands in.
///
/// Sending is for any thread; one event at a time goes out, whole. Receiving is for one thread.
final class ControlChannel: Sendable {
    private let socket: ControlSocket
    private let sending = Mutex(())

    init(descriptor: Int32) { socket = ControlSocket(descriptor: descriptor) }

    /// The socket, to be watched for commands.
    var descriptor: Int32 { socket.descriptor }

    /// Tells the bridge. An event that cannot be sent is dropped: the socket's end is noticed by the reader.
    func send(_ event: PipelineEvent) {
        guard let bytes = try? JSONEncoder().encode(event) else { return }
        sending.withLock { _ in try? socket.send(Array(bytes)) }
    }

    /// What a read found.
    enum Received {
        case command(PipelineCommand, descriptors: [Int32])
        case nothingYet
        /// The bridge closed its end, or sent what is no command.
        case closed
    }

    /// The next command, without waiting.
    func receive() -> Received {
        switch try? socket.receive(blocking: false) {
        case .frame(let bytes, let descriptors):
            guard let command = try? JSONDecoder().decode(PipelineCommand.self, from: Data(bytes)) else {
                descriptors.forEach(closeDescriptor)
                return .closed
            }
            return .command(command, descriptors: descriptors)
        case .wouldBlock: return .nothingYet
        case .end, nil: return .closed
        }
    }
}

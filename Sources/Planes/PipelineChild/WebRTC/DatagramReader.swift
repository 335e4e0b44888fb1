internal import Bridge
internal import LinuxIO

/// Reads the media sockets of a pipeline on one thread of its own.
final class DatagramReader: Sendable {
    private let loop: DescriptorLoop
    private let sockets: [DatagramSocket]

    /// Calls `onDatagram` with the socket's index, the header and what follows it; on the reader's thread, bytes valid for the call.
    /// Malformed datagrams are skipped; a socket whose other end closed is left alone.
    init(
        sockets: [DatagramSocket],
        onDatagram: @escaping @Sendable (_ index: Int, _ header: MediaDatagram, _ packet: UnsafeRawBufferPointer) -> Void
    ) throws(SystemError) {
        let loop = try DescriptorLoop(tick: .seconds(60), onTick: {})
        self.loop = loop
        self.sockets = sockets
        for (index, socket) in sockets.enumerated() {
            loop.add(socket.descriptor) {
                if !Self.drain(socket, { onDatagram(index, $0, $1) }) { loop.remove(socket.descriptor) }
            }
        }
    }

    /// Ends the thread soon and gives the handlers up; no call begins after the one that runs now.
    func stop() {
        for socket in sockets { loop.remove(socket.descriptor) }
        loop.stop()
    }

    /// Reads until nothing is left; false when the socket is of no more use.
    private static func drain(_ socket: DatagramSocket, _ body: (MediaDatagram, UnsafeRawBufferPointer) -> Void) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: MediaDatagram.maximumSize, alignment: 8) { buffer in
            while true {
                switch socket.receive(into: buffer) {
                case .datagram(let count):
                    let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                    guard let header = MediaDatagram(reading: bytes) else { continue }
                    body(header, UnsafeRawBufferPointer(rebasing: bytes[MediaDatagram.headerSize...]))
                case .tooLong: continue
                case .empty: return true
                case .closed: return false
                }
            }
        }
    }
}

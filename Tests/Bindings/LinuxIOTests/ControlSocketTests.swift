import LinuxIO
import Testing

@Suite struct ControlSocketTests {
    @Test func framesKeepTheirBordersAndDescriptors() throws {
        let (near, far) = try SocketPair.stream()
        let (sender, receiver) = (ControlSocket(descriptor: near), ControlSocket(descriptor: far))
        let media = try SocketPair.datagram()
        defer { [media.near, media.far].forEach(closeDescriptor) }

        try sender.send([1, 2, 3], descriptors: [media.far])
        try sender.send([])
        try sender.send([UInt8](repeating: 7, count: 300_000))

        guard case .frame(let first, let descriptors) = try receiver.receive(blocking: true) else {
            Issue.record("no first frame")
            return
        }
        #expect(first == [1, 2, 3])
        #expect(descriptors.count == 1)
        descriptors.forEach(closeDescriptor)
        #expect(try receiver.receive(blocking: true) == .frame([], descriptors: []))
        #expect(try receiver.receive(blocking: true) == .frame([UInt8](repeating: 7, count: 300_000), descriptors: []))
        #expect(try receiver.receive(blocking: false) == .wouldBlock)
    }

    @Test func descriptorsStayWithTheirFrameWhereOneReadBringsSeveral() throws {
        let (near, far) = try SocketPair.stream()
        let (sender, receiver) = (ControlSocket(descriptor: near), ControlSocket(descriptor: far))
        let media = try SocketPair.datagram()
        defer { [media.near, media.far].forEach(closeDescriptor) }

        try sender.send([1])
        try sender.send([2], descriptors: [media.far])
        try sender.send([3])

        #expect(try receiver.receive(blocking: true) == .frame([1], descriptors: []))
        guard case .frame([2], let descriptors) = try receiver.receive(blocking: true) else {
            Issue.record("no second frame")
            return
        }
        #expect(descriptors.count == 1)
        descriptors.forEach(closeDescriptor)
        #expect(try receiver.receive(blocking: true) == .frame([3], descriptors: []))
    }

    @Test func theEndIsSeenAfterTheLastFrame() throws {
        let (near, far) = try SocketPair.stream()
        var sender: ControlSocket? = ControlSocket(descriptor: near)
        let receiver = ControlSocket(descriptor: far)
        try sender?.send([9])
        sender = nil
        #expect(try receiver.receive(blocking: true) == .frame([9], descriptors: []))
        #expect(try receiver.receive(blocking: true) == .end)
    }

    @Test func aLyingLengthIsRefusedBeforeItIsBelieved() {
        var reader = FrameReader()
        reader.append([0xff, 0xff, 0xff, 0xff, 0])
        #expect(throws: SystemError.self) { try reader.next() }
    }

    @Test func aFrameMayArriveByteByByte() throws {
        var reader = FrameReader()
        for byte in [0, 0, 0, 2, 5] as [UInt8] {
            reader.append([byte])
            #expect(try reader.next() == nil)
        }
        reader.append([6])
        #expect(try reader.next() == [5, 6])
    }

    @Test func aFullSocketIsToldInsteadOfWaitedFor() throws {
        let (near, far) = try SocketPair.stream(bufferBytes: 4096)
        let sender = ControlSocket(descriptor: near)
        defer { closeDescriptor(far) }
        #expect(throws: SystemError.self) {
            for _ in 0..<1000 { try sender.send([UInt8](repeating: 0, count: 4096), blocking: false) }
        }
    }
}

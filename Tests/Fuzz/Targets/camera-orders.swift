import Bridge
import BridgeModel
import Signaling

/// Frames of a camera's socket, a line each, read from both ends: what an agent says is done at a camera's desk, and what is an order is given by somebody.
func fuzzCameraOrders(_ bytes: UnsafeRawBufferPointer) {
    let socket = CameraSocketID(1)
    var now = MonotonicTime(nanoseconds: 1)
    var machine = CameraMachine(ClientID("c"))
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).prefix(64).enumerated() {
        now = now.advanced(by: .milliseconds(500))
        let frame = try? JSONValue.read(line)
        var inputs: [CameraMachine.Input] = []
        if case .order(_, let order)? = CameraForm.instruction(in: frame) { inputs.append(.order(order, UInt64(number))) }
        switch try? CameraForm.message(in: frame) {
        case .hello(let abilities): inputs.append(.hello(abilities, socket))
        case .done(let order): inputs.append(.done(order, socket))
        case .refused(let order, let error):
            precondition(error.message.isOneLine)
            inputs.append(.refused(order, error, socket))
        case .health(let health): precondition((try? CameraForm.message(in: CameraMessage.health(health))) == .health(health))
        case nil: break
        }
        for input in inputs + [.deadline] {
            for case .send(let number, let order, _) in machine.handle(input, now: now) {
                precondition(CameraForm.instruction(in: CameraMessage.order(number, order)) == .order(number, order))
            }
        }
    }
}

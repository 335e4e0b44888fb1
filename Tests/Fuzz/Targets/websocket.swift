@testable import WebServerKit

/// A peer's WebSocket bytes, whole and in pieces. The first byte says the length of the pieces and, by its lowest bit, whose side this is.
func fuzzWebSocket(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let side: WebSocketSide = first & 1 == 0 ? .server : .client
    let input = Array(bytes.dropFirst())
    let whole = read(input, side, step: max(1, input.count))
    precondition(whole == read(input, side, step: max(1, Int(first) >> 1)))
    for case .text(let text) in whole.inputs { precondition(text.utf8.count <= messageLimit) }
}

private let messageLimit = 512

private struct ReadFrames: Equatable {
    var inputs: [WebSocketInput] = []
    var fault: WebSocketFault?
}

private func read(_ bytes: [UInt8], _ side: WebSocketSide, step: Int) -> ReadFrames {
    var parser = WebSocketFrameParser(side: side, messageLimit: messageLimit)
    var result = ReadFrames()
    for start in stride(from: 0, to: bytes.count, by: step) {
        parser.append(bytes[start..<min(bytes.count, start + step)])
        do throws(WebSocketFault) {
            while let input = try parser.next() { result.inputs.append(input) }
        } catch {
            result.fault = error
            return result
        }
    }
    return result
}

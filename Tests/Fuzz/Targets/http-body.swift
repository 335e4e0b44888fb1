@testable import WebServerKit

/// A chunked body, or one of a length that the second byte says, whole and in pieces of the length that the first byte says: the content is the same.
func fuzzHTTPBody(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 2 else { return }
    let framing: BodyFraming = bytes[1] < 200 ? .chunked : .length(Int(bytes[1]))
    let body = Array(bytes.dropFirst(2))
    let whole = decode(body, framing, step: body.count)
    precondition(whole == decode(body, framing, step: max(1, Int(bytes[0]))))
    precondition(whole.content.count <= body.count)
}

private struct DecodedBody: Equatable {
    var content: [UInt8] = []
    var isDone = false
    var fault: RequestFault?
}

private func decode(_ body: [UInt8], _ framing: BodyFraming, step: Int) -> DecodedBody {
    var decoder = BodyDecoder(framing, trailerBytes: 64)
    var result = DecodedBody()
    var input: ArraySlice<UInt8> = []
    for start in stride(from: 0, to: body.count, by: step) {
        input += body[start..<min(body.count, start + step)]
        do throws(RequestFault) {
            result.content += try decoder.decode(&input)
        } catch {
            // How much of the content was given before the fault depends on the pieces.
            return DecodedBody(fault: error)
        }
    }
    result.isDone = decoder.isDone
    return result
}

import LinuxIO

/// A TCP stream of RFC 4571 frames, whole and in pieces. The first byte says the length of the pieces.
func fuzzStreamFraming(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let stream = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    precondition(frames(of: stream, step: .max) == frames(of: stream, step: max(1, Int(first))))
}

private struct CutStream: Equatable {
    var frames: [[UInt8]] = []
    var fault: StreamFraming.Fault?
    var pending = 0
}

private func frames(of stream: UnsafeRawBufferPointer, step: Int) -> CutStream {
    var framing = StreamFraming(frameLimit: 200)
    var result = CutStream()
    var rest = stream[...]
    while !rest.isEmpty {
        let space = framing.space()
        let piece = rest.prefix(min(step, space.count))
        precondition(!piece.isEmpty, "there is no room")
        space.copyBytes(from: piece)
        framing.filled(piece.count)
        rest = rest.dropFirst(piece.count)
        do throws(StreamFraming.Fault) {
            while let frame = try framing.next() {
                precondition((1...200).contains(frame.count))
                result.frames.append(Array(frame))
            }
        } catch {
            result.fault = error
            return result
        }
    }
    result.pending = framing.pending
    return result
}

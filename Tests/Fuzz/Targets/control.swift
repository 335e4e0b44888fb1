import Bridge
import Foundation
import LinuxIO

/// What a child could write to its control socket, or a confused bridge to a child's: frames, then messages.
func fuzzControl(_ bytes: UnsafeRawBufferPointer) {
    var reader = FrameReader()
    reader.append(Array(bytes)[...])
    while let frame = try? reader.next() {
        precondition(frame.count <= FrameReader.maximumFrame)
        check(frame, as: PipelineEvent.self)
        check(frame, as: PipelineCommand.self)
    }
}

/// What was decoded is encoded so that it decodes to the same.
private func check<Message: Codable & Equatable>(_ frame: [UInt8], as type: Message.Type) {
    guard let message = try? JSONDecoder().decode(type, from: Data(frame)) else { return }
    guard let encoded = try? JSONEncoder().encode(message) else { return }
    precondition((try? JSONDecoder().decode(type, from: encoded)) == message)
}

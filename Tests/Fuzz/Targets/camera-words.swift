import Bridge
import BridgeModel

/// What a bridge says to a camera: a byte that chooses the status, a line that is the reply, and frames, a line each. The first line is read as what
/// operators give, too.
func fuzzCameraWords(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first, case .rtm(let origin)? = try? CameraTarget(parsing: "ws://bridge:8080") else { return }
    let lines = bytes.dropFirst().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).prefix(64)
    let statuses = [201, 401, 404, 429, 503]
    var exchange = RTMExchange(origin: origin, stream: StreamID("s"), token: Redacted("t"))
    let reply = OutgoingReply(status: statuses[Int(first) % statuses.count], body: lines.first.map { Array($0) } ?? [])
    if let opened = try? exchange.take(reply, now: WallTime(milliseconds: 0)) {
        precondition(opened.socket.revealed.hasSuffix("auth_token=t"))
        precondition((try? JSONValue.read(exchange.start("v=0").utf8)) != nil)
    }
    let footage = FootageExchange(origin: origin, stream: StreamID("s"), token: nil, sha256: "0", size: 9)
    for status in [200, 201, 202, 400, 503] {
        let reply = OutgoingReply(status: status, body: reply.body)
        if case .wants(let from) = footage.word(of: reply, now: WallTime(milliseconds: 0)) { precondition((0...9).contains(from)) }
    }
    for line in lines.dropFirst() {
        guard case .over(let fault)? = exchange.word(of: String(decoding: line, as: UTF8.self)) else { continue }
        precondition(fault.error.message.isOneLine)
    }
    guard let text = lines.first.map({ String(decoding: $0, as: UTF8.self) }) else { return }
    if case .rtm(let url)? = try? CameraTarget(parsing: text) { precondition(url.origin.hasPrefix("http")) }
    _ = try? CapturePlan.Source(parsing: text)
    if case .alsa(let name?)? = try? SoundDevice.microphone(parsing: text) { precondition(!name.isEmpty && name.isOneLine) }
    if case .file(let path)? = try? TalkPlan.Speaker(parsing: text) { precondition(!path.isEmpty && path.isOneLine) }
}

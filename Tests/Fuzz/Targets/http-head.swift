import HTTPTypes

@testable import WebServerKit

/// A request head, whole and in pieces of the length that the first byte says: both ways it is the same, or refused for the same reason.
func fuzzHTTPHead(_ bytes: UnsafeRawBufferPointer) {
    guard let step = bytes.first.map({ max(1, Int($0)) }) else { return }
    let text = Array(bytes.dropFirst())
    let whole = outcome(of: text, step: max(1, text.count))
    let dripped = outcome(of: text, step: step)
    if case .head(let head, let length) = whole {
        precondition(length <= text.count)
        _ = head.isWebSocketUpgrade
        _ = ByteRange(head.request.headerFields[.range], size: 1000)
    }
    precondition(whole.isSame(as: dripped))
}

private enum HeadOutcome {
    case incomplete
    case head(RequestHead, length: Int)
    case refused(RequestFault)

    func isSame(as other: HeadOutcome) -> Bool {
        switch (self, other) {
        case (.incomplete, .incomplete): true
        case (.head(let one, let length), .head(let two, let otherLength)): one.request == two.request && length == otherLength
        case (.refused(let one), .refused(let two)): one == two
        default: false
        }
    }
}

private func outcome(of text: [UInt8], step: Int) -> HeadOutcome {
    var parser = RequestHeadParser(limits: WebServerLimits(), isSecure: false)
    var end = 0
    while end < text.count {
        end = min(text.count, end + step)
        do throws(RequestFault) {
            if let (head, length) = try parser.parse(text[..<end]) { return .head(head, length: length) }
        } catch {
            return .refused(error)
        }
    }
    return .incomplete
}

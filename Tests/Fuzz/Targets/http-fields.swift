@testable import HTTPCore
@testable import WebServerKit

/// What foreign text stands in a request's target and fields: path and query, byte ranges, dates.
func fuzzHTTPFields(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    if let segments = RequestTarget(text).segments { precondition(segments.allSatisfy { !$0.isEmpty && $0 != ".." }) }
    let encoded = PercentEncoding.encode(text, where: PercentEncoding.isUnreserved)
    precondition(PercentEncoding.decode(Substring(encoded)) == text)
    let size = Int(first) * 1000
    if case .part(let range) = ByteRange(text, size: size) { precondition(!range.isEmpty && range.upperBound <= size) }
    if let seconds = HTTPDate.seconds(of: text) { precondition(HTTPDate.seconds(of: HTTPDate.text(of: seconds)) == seconds) }
}

import Bridge
import HTTPTypes

@testable import HTTPCore
@testable import WebServerKit

/// What foreign text stands in a request's target and fields: path and query, byte ranges, dates, media types, entity-tags.
func fuzzHTTPFields(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    if let segments = RequestTarget(text).segments { precondition(segments.allSatisfy { !$0.isEmpty && $0 != ".." }) }
    let encoded = PercentEncoding.encode(text, where: PercentEncoding.isUnreserved)
    precondition(PercentEncoding.decode(Substring(encoded)) == text)
    let size = Int(first) * 1000
    if case .part(let range) = ByteRange(text, size: size) { precondition(!range.isEmpty && range.upperBound <= size) }
    if let seconds = HTTPDate.seconds(of: text) { precondition(HTTPDate.seconds(of: HTTPDate.text(of: seconds)) == seconds) }
    if let type = MediaType(field: text) { precondition(MediaType(field: type.name) == type && type.isAccepted(by: type.name)) }
    _ = MediaType("application/sdp").isAccepted(by: text)
    var fields = HTTPFields()
    fields[.ifMatch] = text
    if case .oneOf(let tags)? = EntityTagCondition(fields), let tag = tags.first {
        fields[.ifMatch] = tag.field
        precondition(EntityTagCondition(fields) == .oneOf([tag]))
    }
}

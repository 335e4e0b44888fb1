@testable import AccessPlane

/// A bearer token before any key is used; Base64 is canonical.
func fuzzToken(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let envelope = try? TokenEnvelope(text) {
        precondition(text.utf8.count <= TokenEnvelope.longestToken && envelope.keyID.utf8.count < text.utf8.count)
    }
    if let decoded = Base64URL.decode(text) { precondition(Base64URL.encode(decoded) == text) }
    precondition(Base64URL.decode(Base64URL.encode(bytes)) == Array(bytes))
}

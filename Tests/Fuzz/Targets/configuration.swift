import BridgeConfiguration

/// A configuration file: it makes settings, or one error that names a place.
func fuzzConfiguration(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    do {
        _ = try Configuration(file: "fuzz.yaml", readFile: { _ in text }).load()
    } catch {
        precondition(!"\(error)".isEmpty)
    }
}

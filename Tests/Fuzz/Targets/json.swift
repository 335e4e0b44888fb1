import BridgeModel

/// A JSON text; what was read is written so that it reads as it was.
func fuzzJSON(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.read(bytes) else { return }
    precondition((try? JSONValue.read(value.text.utf8)) == value)
}

import BridgeModel
import RTP

/// The first byte chooses the codec, the rest is its payload.
func fuzzPayloadDescriptors(_ bytes: UnsafeRawBufferPointer) {
    guard let choice = bytes.first else { return }
    let codec = Codec.allCases[Int(choice) % Codec.allCases.count]
    let payload = UnsafeRawBufferPointer(rebasing: bytes[1...])
    _ = PayloadTraits(codec: codec, payload: payload)
    if let found = VideoParameters(codec: codec, payload: payload) { precondition(found.size.width > 0 && found.size.height > 0) }
}

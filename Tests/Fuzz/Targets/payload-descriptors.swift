import BridgeModel
import RTP

/// The first byte chooses the codec, the rest is its payload.
func fuzzPayloadDescriptors(_ bytes: UnsafeRawBufferPointer) {
    guard let choice = bytes.first else { return }
    let codec = Codec.allCases[Int(choice) % Codec.allCases.count]
    _ = PayloadTraits(codec: codec, payload: UnsafeRawBufferPointer(rebasing: bytes[1...]))
}

import BridgeModel
import RTP

/// The first byte chooses the codec, the rest is its payload.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafeRawPointer?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    guard let choice = bytes.first else { return 0 }
    let codec = Codec.allCases[Int(choice) % Codec.allCases.count]
    _ = PayloadTraits(codec: codec, payload: UnsafeRawBufferPointer(rebasing: bytes[1...]))
    return 0
}

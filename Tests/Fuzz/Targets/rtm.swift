import BridgeModel
import Foundation
import Signaling

/// A text frame of the RTM socket: JSON, envelope, request.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafeRawPointer?, _ count: Int) -> CInt {
    let bytes = Data(UnsafeRawBufferPointer(start: start, count: count))
    let frame = try? JSONDecoder().decode(JSONValue.self, from: bytes)
    guard let envelope = try? RTMEnvelope(frame: frame, client: ClientID("fuzz")) else { return 0 }
    _ = try? RTMForm().request(in: envelope)
    return 0
}

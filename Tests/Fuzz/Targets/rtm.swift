import Bridge
import BridgeModel
import Signaling

/// A text frame of the RTM socket: JSON, envelope, request, and the URLs in it.
func fuzzRTM(_ bytes: UnsafeRawBufferPointer) {
    let path = RTMPath.native
    guard let envelope = try? RTMEnvelope(frame: try? JSONValue.read(bytes), client: ClientID("fuzz"), path: path) else { return }
    for rules in [AddressRules(), AddressRules(allowPrivate: true)] {
        _ = try? RTMForm(urls: rules).request(in: envelope, on: path)
    }
}

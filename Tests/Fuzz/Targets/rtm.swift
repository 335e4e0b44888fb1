import BridgeModel
import Signaling

/// A text frame of the RTM socket: JSON, envelope, request, and the URLs in it.
func fuzzRTM(_ bytes: UnsafeRawBufferPointer) {
    guard let envelope = try? RTMEnvelope(frame: try? JSONValue.read(bytes), client: ClientID("fuzz")) else { return }
    for rule in [DestinationURLRule(), DestinationURLRule(allowsPlainHTTP: true)] {
        _ = try? RTMForm(urls: rule).request(in: envelope)
    }
}

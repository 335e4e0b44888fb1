import BridgeModel
import SDP

/// A fragment of SDP as PATCH brings it; what is read means the same when it is printed and read again.
func fuzzWHIPFragment(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let fragment = try? TrickleFragment.parse(text) else { return }
    precondition((try? TrickleFragment.parse(fragment.print())) == fragment)
    for candidate in fragment.candidates {
        do {
            _ = try CandidateGate.parse(candidate)
        } catch {
            preconditionFailure("a candidate of a fragment that was read is malformed: \(error)")
        }
    }
}

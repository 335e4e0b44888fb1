import BridgeModel
import HTTPCore

/// The members of a request body, read by the contract's rules (section 5.1). Null counts as absent.
struct RequestFields {
    private let body: JSONValue

    init(_ body: JSONValue) { self.body = body }

    /// True unless the member is absent or null.
    func has(_ name: String) -> Bool {
        body[name].map { !$0.isNull } ?? false
    }

    /// A required string of `bytes` UTF-8 bytes.
    func text(_ name: String, bytes: ClosedRange<Int>) throws(EyesonError) -> String {
        guard let value = body[name], !value.isNull else { throw .missingField(name) }
        guard let text = value.string, bytes.contains(text.utf8.count) else {
            throw .invalidField(name, "a string of \(bytes.lowerBound) to \(bytes.upperBound) bytes")
        }
        return text
    }

    /// A required client id: 1 to 128 bytes without control characters.
    func client(_ name: String) throws(EyesonError) -> ClientID {
        let text = try text(name, bytes: 1...128)
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw .invalidField(name, "a string of 1 to 128 bytes without control characters")
        }
        return ClientID(text)
    }

    /// `token_ttl_s`: a whole number of 60 to 604800 seconds, a day when it is absent.
    func lifetime() throws(EyesonError) -> Duration {
        guard let value = body["token_ttl_s"], !value.isNull else { return .seconds(86_400) }
        guard let seconds = value.integer, (60...604_800).contains(seconds) else {
            throw .invalidField("token_ttl_s", "an integer from 60 to 604800")
        }
        return .seconds(seconds)
    }
}

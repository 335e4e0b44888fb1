package import Bridge
package import BridgeModel

/// Decides where a recording goes: what its order says, else what its stream is assigned, else its account, else the configuration.
package struct DestinationDirectory: Sendable {
    private let store: any DestinationStore
    /// `recording.destination`.
    private let configured: Redacted<String>
    /// `recording.sidecars`.
    private let sidecars: [Sidecar]

    package init(store: any DestinationStore, configured: Redacted<String>, sidecars: [Sidecar] = []) {
        self.store = store
        self.configured = configured
        self.sidecars = sidecars
    }

    /// `file`: the name of the complete file in the spool. Throws `not_found` when a name stands for nothing, `invalid_url` when the configuration
    /// does, and what the store throws.
    package func choice(for request: RecordingRequest, file: String) async throws(BridgeError) -> DestinationChoice {
        try await chosen(for: request, file: file).withSidecars(sidecars)
    }

    private func chosen(for request: RecordingRequest, file: String) async throws(BridgeError) -> DestinationChoice {
        switch request.destination {
        case .given(let choice): return choice
        case .named(let name): return try await named(name)
        case nil: break
        }
        for scope in [DestinationScope.stream(request.context.stream), .account(request.context.account)] {
            if let name = try await store.assigned(to: scope) { return try await named(name) }
        }
        return try await usual(file: file)
    }

    private func named(_ name: DestinationName) async throws(BridgeError) -> DestinationChoice {
        guard let destination = try await store.destination(name) else {
            throw BridgeError(
                .notFound, "There is no destination \(name); make it with PUT /bridge/v1/destinations/\(name), or choose another one.")
        }
        return destination.choice
    }

    /// A folder, a URL (one that ends with a slash gets the file's name), `name:` and a name, or nothing.
    private func usual(file: String) async throws(BridgeError) -> DestinationChoice {
        let text = configured.revealed
        if text.isEmpty { return .keep }
        if text.hasPrefix("/") { return DestinationChoice(.folder(path: text)) }
        if text.hasPrefix("http://") || text.hasPrefix("https://") {
            return DestinationChoice(.put(url: Redacted(text.hasSuffix("/") ? text + file : text)))
        }
        if text.hasPrefix("name:"), let name = DestinationName(String(text.dropFirst(5))) { return try await named(name) }
        throw BridgeError(
            .invalidURL, "recording.destination is no absolute folder, http(s) URL or name: and a name; correct the configuration.")
    }
}

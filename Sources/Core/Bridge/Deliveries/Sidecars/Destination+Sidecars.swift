package import BridgeModel

extension Destination {
    /// Whether it has room beside a file: a plain URL takes one file, and what stays on the bridge has everything there.
    package var takesSidecars: Bool {
        switch self {
        case .folder, .s3, .webdav: true
        case .keep, .put, .http: false
        }
    }

    /// The key under which this destination gets a file, below what it is itself; nil where a URL or nothing says it.
    package func key(of facts: KeyFacts) -> String? {
        switch self {
        case .folder(_, let template): template?.key(for: facts) ?? facts.fileName
        case .s3(let store): store.key.key(for: facts)
        case .webdav(let server): server.key.key(for: facts)
        case .keep, .put, .http: nil
        }
    }
}

extension DestinationChoice {
    /// With the sidecars that are usual, where it says nothing of them.
    package func withSidecars(_ usual: [Sidecar]) -> DestinationChoice {
        guard sidecars == nil, !usual.isEmpty, destination.takesSidecars || fallback?.takesSidecars == true else { return self }
        var choice = self
        choice.sidecars = usual
        return choice
    }
}

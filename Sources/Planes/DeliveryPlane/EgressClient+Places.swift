package import Bridge

extension EgressClient: PushPlaces {
    package func address(of target: PushTarget) async -> Result<IPAddress, AttemptFault> {
        do throws(AttemptFault) {
            let all = try await checkedAddresses(target.address, host: target.host)
            // An address of the older kind goes everywhere.
            let first = all.first { if case .v4 = $0 { true } else { false } } ?? all.first
            return first.map { .success($0) } ?? .failure(.unresolvable)
        } catch {
            return .failure(error)
        }
    }
}

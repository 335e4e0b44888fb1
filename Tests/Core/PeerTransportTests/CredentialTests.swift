import PeerTransport
import Testing

@Suite struct CredentialTests {
    @Test func aFragmentCarriesItsWorker() {
        var random = SystemRandomNumberGenerator()
        for worker in [0, 1, 63, 64, 4095] { #expect(LocalUfrag(worker: worker, using: &random).worker == worker) }
    }
}

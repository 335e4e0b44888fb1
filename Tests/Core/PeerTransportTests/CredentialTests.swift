import BridgeModel
import PeerTransport
import Testing

@Suite struct CredentialTests {
    private func ufrag(username: String) -> LocalUfrag? {
        Array(username.utf8).withUnsafeBytes { LocalUfrag(username: $0) }
    }

    @Test func aFragmentCarriesItsWorker() {
        var random = SeededGenerator(1)
        for worker in [0, 1, 63, 64, 1000, 4095] { #expect(LocalUfrag(worker: worker, using: &random).worker == worker) }
    }

    @Test func fragmentsAndPasswordsAreIceTextOfTheirLength() {
        var random = SeededGenerator(2)
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        for worker in 0..<200 {
            let credentials = IceCredentials(worker: worker, using: &random)
            let password = credentials.password.revealed
            #expect(credentials.ufrag.text.count == 8 && password.count == 24)
            #expect(allowed.isSuperset(of: credentials.ufrag.text + password))
            #expect(credentials.withPassword { Array($0) } == Array(password.utf8))
        }
    }

    @Test func everyRandomCharacterVaries() {
        var random = SeededGenerator(3)
        let made = (0..<400).map { _ in IceCredentials(worker: 5, using: &random) }
        let texts = made.map { Array($0.ufrag.text.dropFirst(2) + $0.password.revealed) }
        // 400 draws out of 64 leave out more than 15 in a column with a probability far below one in a billion.
        for column in 0..<30 { #expect(Set(texts.map { $0[column] }).count > 48) }
        #expect(Set(made).count == 400)
    }

    @Test func aFragmentIsReadFromTheUsername() {
        var random = SeededGenerator(4)
        for worker in 0..<100 {
            let ufrag = LocalUfrag(worker: worker, using: &random)
            #expect(self.ufrag(username: ufrag.text + ":peer") == ufrag)
            #expect(self.ufrag(username: ufrag.text + ":") == ufrag)
        }
    }

    @Test(arguments: [
        "", ":", "abcdefgh", "abcdefg:x", "abcdefghi:x", "abc:efgh:x", "abcdefg\u{0}:x", "abcdéfg:x", "abcdef-h:x", " bcdefgh:x",
    ])
    func whatIsNoUsernameOfOursIsNotRead(_ username: String) { #expect(ufrag(username: username) == nil) }

    @Test func thePasswordIsNotInTheDescription() {
        var random = SeededGenerator(5)
        let credentials = IceCredentials(worker: 0, using: &random)
        var dumped = ""
        dump(PeerTransport(credentials, role: .server, now: PeerStage.start), to: &dumped)
        #expect(!dumped.contains("first"))
        for text in ["\(credentials)", String(reflecting: credentials), "\(credentials.password)"] {
            #expect(!text.contains(credentials.password.revealed))
        }
    }
}

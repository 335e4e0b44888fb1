package import BridgeModel

/// An offer of ours that begins another ICE session with a far end that took a former one, and the reading of what it says to it. Nothing but ICE
/// changes (RFC 8839 section 4.4.1.1.1), and we are found where we were.
package struct IceRestartRequest: Sendable, Equatable {
    /// Ours, of the new ICE session.
    package let credentials: IceParameters
    /// The former offer with them.
    package let offer: String
    /// The same for far ends that take no second offer (RFC 9725 section 4.3.3).
    package let fragment: TrickleFragment

    /// `random` has to be fit for secrets. Nil when the former offer is malformed.
    package init?(of former: String, using random: inout some RandomNumberGenerator) {
        credentials = .random(using: &random)
        guard let checked = try? CheckedOffer(former), let first = checked.description.sections.first else { return nil }
        let candidates = checked.candidates.map { $0.print() }
        guard let offer = IceRestart.renewed(former, with: credentials, candidates: candidates) else { return nil }
        self.offer = offer
        let section = TrickleFragment.Section(media: first.media, mid: checked.mids.first, candidates: candidates, isEnd: true)
        fragment = TrickleFragment(credentials: credentials, sections: [section])
    }

    /// What an answer to `offer` says of the far end's ICE. Throws what an answer to any offer would be refused with.
    package func read(answer: String) throws(SDPError) -> TrickleFragment {
        let answer = try CheckedOffer(AnswerGate.accept(answer, offer: offer).sdp)
        let section = TrickleFragment.Section(mid: nil, candidates: answer.candidates.map { $0.print() }, isEnd: true)
        return TrickleFragment(
            credentials: IceParameters(ufrag: answer.transport.ufrag, password: Redacted(answer.transport.password)), sections: [section])
    }
}

extension IceParameters {
    /// Characters of RFC 8839 section 5.4.
    private static let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    /// Ones that nobody guesses: 48 and 192 bits (RFC 8445 section 5.3 asks for 24 and 128).
    fileprivate static func random(using random: inout some RandomNumberGenerator) -> IceParameters {
        let text = (0..<40).map { _ in characters[Int.random(in: 0..<characters.count, using: &random)] }
        return IceParameters(ufrag: String(text.prefix(8)), password: Redacted(String(text.dropFirst(8))))
    }
}

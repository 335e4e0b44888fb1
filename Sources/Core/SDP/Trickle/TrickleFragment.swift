package import BridgeModel

/// A fragment of a session description that brings ICE candidates or another ICE session: `application/trickle-ice-sdpfrag` (RFC 8840
/// section 9), as WHIP and WHEP use it.
package struct TrickleFragment: Sendable, Equatable {
    /// Hard limits of what is read.
    package enum Limits {
        /// Whole text, bytes.
        package static let bytes = 64 * 1024
        /// Candidates of one fragment.
        package static let candidates = 256
    }

    /// The pair that all sections share, since they are bundled; nil when there is none.
    package var credentials: IceParameters?
    /// The author has only the lite half of ICE (`a=ice-lite`).
    package var isLite: Bool
    /// `m=` lines and what belongs to them, in order.
    package var sections: [Section]
    /// No more candidates follow for any section (`a=end-of-candidates` before the first `m=`).
    package var isEnd: Bool

    package init(credentials: IceParameters?, isLite: Bool = false, sections: [Section] = [], isEnd: Bool = false) {
        self.credentials = credentials
        self.isLite = isLite
        self.sections = sections
        self.isEnd = isEnd
    }

    /// One `m=` line and what belongs to it.
    package struct Section: Sendable, Equatable {
        /// `audio`, `video` or another token; the rest of the line says nothing.
        package var media: String
        /// Nil where the fragment leaves it out: then the section means the whole bundle.
        package var mid: String?
        /// `candidate:...` lines, each of the form of RFC 8839 section 5.1, usable or not.
        package var candidates: [String]
        /// No more candidates follow for this section.
        package var isEnd: Bool

        package init(media: String = "audio", mid: String?, candidates: [String] = [], isEnd: Bool = false) {
            self.media = media
            self.mid = mid
            self.candidates = candidates
            self.isEnd = isEnd
        }
    }

    /// The candidates with their sections, in order; the last is the end mark if there is one.
    package var candidates: [IceCandidate] {
        let all = sections.flatMap { section in
            section.candidates.map { IceCandidate(candidate: $0, sdpMid: section.mid) }
        }
        let end = sections.first { $0.isEnd }.map { IceCandidate(candidate: "", sdpMid: $0.mid) }
        return all + ((isEnd ? .end : end).map { [$0] } ?? [])
    }
}

package import Bridge
package import BridgeModel
package import SDP

/// A WHIP or WHEP offer that meets the protocol's own rules; what the engine makes of its codecs is another matter.
package struct WHIPOffer: Sendable, Equatable {
    /// As it came, and read.
    package let received: ReceivedOffer
    /// Of the first ICE session.
    package let credentials: IceParameters
    /// The identifications of the media sections, in order.
    package let mids: [String]
    /// Which sections are to carry media, in the direction that the protocol has.
    private let carriesMedia: [Bool]

    /// Throws `malformed` for what is no session description, and `unacceptable` for one that breaks a rule: BUNDLE, ICE, DTLS, a section that
    /// sends (WHIP) or receives (WHEP), and not two of one kind (RFC 9725 section 4.4.2).
    package init(_ text: String, direction: SessionContext.Direction) throws(WHIPError) {
        let description: SDP.SessionDescription
        do throws(SDPError) {
            received = try ReceivedOffer(reading: text)
            description = try received.description()
            credentials = try IceParameters(offer: description)
        } catch {
            throw error.isGrammar ? .malformed(error.description) : .unacceptable(error.description)
        }
        mids = description.sections.map { $0.mid ?? "" }
        carriesMedia = description.sections.map { section in
            let media = description.direction(of: section)
            return !section.isRejected && MediaKind(rawValue: section.media) != nil
                && (direction == .publish ? media.sends : media.receives)
        }
        guard carriesMedia.contains(true) else {
            throw .unacceptable(
                direction == .publish
                    ? "No section of the offer sends audio or video: WHIP offers are sendonly."
                    : "No section of the offer receives audio or video: WHEP offers are recvonly.")
        }
        for kind in MediaKind.allCases {
            let count = zip(description.sections, carriesMedia).count { $0.media == kind.rawValue && $1 }
            guard direction == .watch || count <= 1 else {
                throw .unacceptable("The offer sends \(count) \(kind.rawValue) tracks; one of a kind is taken.")
            }
        }
    }

    /// Whether an answer to a publisher takes every section that sends: a part of a stream would mislead whoever sends it (RFC 9725 section
    /// 4.4.3).
    func isTakenWhole(by answer: String) -> Bool {
        guard let answered = try? SDP.SessionDescription.parse(answer), answered.sections.count == carriesMedia.count else { return false }
        return zip(answered.sections, carriesMedia).allSatisfy { section, carries in
            !carries || (!section.isRejected && answered.direction(of: section) != MediaDirection.inactive)
        }
    }

    /// The video sections that an answer of ours fills, as their places and identifications.
    static func videoSections(of answer: String) -> [ViewedSection] {
        guard let answered = try? SDP.SessionDescription.parse(answer) else { return [] }
        return answered.videoSections { answered.direction(of: $0).sends }
    }
}

/// A video section of a viewer: its place in the description, from 0, and its identification.
package struct ViewedSection: Sendable, Equatable {
    package let section: Int
    package let mid: String
}

/// A viewer's answer to our offer that is a whole description; what the engine makes of it is another matter.
struct WHEPCounterAnswer: Sendable, Equatable {
    /// The whole text.
    let text: String
    /// Of the first ICE session.
    let credentials: IceParameters
    /// The identifications of the media sections, in order.
    let mids: [String]
    /// The video that it wants to be sent.
    let videoSections: [ViewedSection]

    /// Throws `malformed` for what is no session description, and `unacceptableAnswer` for one without ICE, DTLS or BUNDLE.
    init(_ text: String) throws(WHIPError) {
        let description: SDP.SessionDescription
        do throws(SDPError) {
            description = try SDP.SessionDescription.parse(text)
            credentials = try IceParameters(answer: text)
        } catch {
            throw error.isGrammar ? .malformed(error.description) : .unacceptableAnswer(error.description)
        }
        self.text = text
        mids = description.sections.map { $0.mid ?? "" }
        videoSections = description.videoSections { description.direction(of: $0).receives }
    }
}

extension SDP.SessionDescription {
    fileprivate func videoSections(where carriesMedia: (MediaSection) -> Bool) -> [ViewedSection] {
        sections.enumerated().compactMap { index, section in
            guard section.media == MediaKind.video.rawValue, !section.isRejected, carriesMedia(section) else { return nil }
            return section.mid.map { ViewedSection(section: index, mid: $0) }
        }
    }
}

extension SDPError {
    /// The text is no session description at all, or too much of one.
    fileprivate var isGrammar: Bool {
        switch self {
        case .tooLarge, .tooManySections, .lineTooLong, .malformedLine, .incomplete: true
        default: false
        }
    }
}

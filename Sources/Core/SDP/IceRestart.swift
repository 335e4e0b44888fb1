package import BridgeModel

/// An offer that begins another ICE session and changes nothing else (RFC 8839 section 4.4.1.1.1).
package struct IceRestart: Sendable, Equatable {
    /// The offerer's, of the new ICE session.
    package let credentials: IceParameters

    /// nil when the offer is malformed, keeps the credentials of the former one, or changes what has to stay: the sections with their
    /// directions, and the certificate. Formats may come in another order, as browsers repeat what was negotiated.
    package init?(of former: String, by offer: String) {
        guard let former = try? CheckedOffer(former), let offer = try? CheckedOffer(offer) else { return nil }
        let (old, new) = (former.transport, offer.transport)
        guard (old.ufrag, old.password) != (new.ufrag, new.password), Set(old.fingerprints) == Set(new.fingerprints),
            former.mids == offer.mids, former.bundle == offer.bundle, former.shape == offer.shape
        else { return nil }
        credentials = IceParameters(ufrag: new.ufrag, password: Redacted(new.password))
    }

    /// A former description of ours with the credentials and candidates (`candidate:...`) of the new ICE session; nil when it is malformed.
    package static func renewed(_ former: String, with credentials: IceParameters, candidates: [String]) -> String? {
        guard var description = try? SessionDescription.parse(former) else { return nil }
        description.sessionVersion &+= 1
        renew(&description.attributes, with: credentials, candidates: candidates)
        for index in description.sections.indices {
            renew(&description.sections[index].attributes, with: credentials, candidates: candidates)
        }
        return description.print()
    }

    private static func renew(_ attributes: inout [SDPAttribute], with credentials: IceParameters, candidates: [String]) {
        for index in attributes.indices {
            switch attributes[index].name {
            case "ice-ufrag": attributes[index].value = credentials.ufrag
            case "ice-pwd": attributes[index].value = credentials.password.revealed
            default: break
            }
        }
        guard let first = attributes.firstIndex(where: { $0.name == "candidate" }) else { return }
        attributes.removeAll { $0.name == "candidate" }
        let lines = candidates.map { SDPAttribute("candidate", String($0.dropFirst("candidate:".count))) }
        attributes.insert(contentsOf: lines, at: first)
    }
}

extension CheckedOffer {
    /// What its sections are for.
    fileprivate var shape: [Shape] {
        description.sections.map { Shape(media: $0.media, isRejected: $0.isRejected, direction: description.direction(of: $0)) }
    }

    fileprivate struct Shape: Equatable {
        let media: String
        let isRejected: Bool
        let direction: MediaDirection
    }
}

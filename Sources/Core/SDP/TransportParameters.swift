package import BridgeModel

/// What one side of a bundled transport says about ICE and DTLS.
package struct TransportParameters: Sendable, Equatable {
    /// 4 to 256 ICE characters.
    package var ufrag: String
    /// 22 to 256 ICE characters.
    package var password: String
    /// SHA-256, SHA-384 and SHA-512 digests of the certificate, at least one.
    package var fingerprints: [Fingerprint]
    /// Which side of the DTLS handshake the author takes.
    package var setup: DTLSSetup

    /// `a=` lines of a media section.
    var attributes: [SDPAttribute] {
        [SDPAttribute("ice-ufrag", ufrag), SDPAttribute("ice-pwd", password), SDPAttribute("ice-options", "trickle")]
            + fingerprints.map { SDPAttribute("fingerprint", "\($0.algorithm) \($0.value)") } + [SDPAttribute("setup", setup.rawValue)]
    }
}

/// `a=setup` (RFC 8842 section 5); `holdconn` is not allowed there.
package enum DTLSSetup: String, Sendable {
    case actpass, active, passive

    /// The answers that this offer allows.
    func allows(answer: DTLSSetup) -> Bool {
        switch (self, answer) {
        case (.actpass, .active), (.actpass, .passive), (.active, .passive), (.passive, .active): true
        default: false
        }
    }
}

/// Attributes of a section with the session's as fallback, as ICE and DTLS attributes may stand at either level.
struct LayeredAttributes {
    let section: [SDPAttribute]
    let session: [SDPAttribute]

    init(_ section: MediaSection, in description: SessionDescription) {
        self.section = section.attributes
        self.session = description.attributes
    }

    /// Attributes of one level.
    init(_ attributes: [SDPAttribute]) {
        section = attributes
        session = []
    }

    /// All values of this name, those of the section if it has any.
    func values(_ name: String) -> [String] {
        let own = section.filter { $0.name == name }
        return (own.isEmpty ? session.filter { $0.name == name } : own).compactMap(\.value)
    }

    /// Checks and reads the transport of this section.
    func transport() throws(SDPError) -> TransportParameters {
        guard let ufrag = values("ice-ufrag").first, let password = values("ice-pwd").first else { throw .missingICECredentials }
        // RFC 8839 section 5.4: 4 to 256 and 22 to 256 characters.
        guard SDPText.isICEText(ufrag, length: 4...256), SDPText.isICEText(password, length: 22...256) else { throw .invalidICECredentials }
        let fingerprints = try Self.fingerprints(values("fingerprint"))
        guard let text = values("setup").first else { throw .missingSetup }
        guard let setup = DTLSSetup(rawValue: text) else { throw .invalidSetup }
        return TransportParameters(ufrag: ufrag, password: password, fingerprints: fingerprints, setup: setup)
    }

    /// RFC 8122 section 5: digests that are no longer secure are not used, though they may stand beside better ones.
    private static func fingerprints(_ values: [String]) throws(SDPError) -> [Fingerprint] {
        guard !values.isEmpty else { throw .missingFingerprint }
        guard values.count <= 8 else { throw .invalidFingerprint }
        var result: [Fingerprint] = []
        for value in values {
            let words = SDPText.words(value)
            guard words.count == 2 else { throw .invalidFingerprint }
            let algorithm = words[0].lowercased()
            guard let length = digestBytes[algorithm] else { continue }
            let digest = words[1].uppercased()
            guard isDigest(digest, bytes: length) else { throw .invalidFingerprint }
            let fingerprint = Fingerprint(algorithm: algorithm, value: digest)
            if !result.contains(fingerprint) { result.append(fingerprint) }
        }
        guard !result.isEmpty else { throw .weakFingerprint }
        return result
    }

    private static let digestBytes = ["sha-256": 32, "sha-384": 48, "sha-512": 64]

    private static func isDigest(_ text: String, bytes: Int) -> Bool {
        let pairs = SDPText.split(text, at: UInt8(ascii: ":"), keepingEmpty: true)
        return pairs.count == bytes
            && pairs.allSatisfy { $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x46).contains($0) } }
    }
}

package import BridgeModel

/// Which local identifier stands for which header extension in one direction of one transport (`a=extmap`, RFC 8285 section 5).
///
/// A plain value without references: reading a packet costs no reference counting. Under BUNDLE all sections of a transport share one map
/// (RFC 8843 section 9.1).
package struct ExtensionMap: Sendable, Equatable {
    /// Identifiers that fit into the one-byte form; 15 is reserved (RFC 8285 section 4.2).
    package static let oneByteIdentifiers: ClosedRange<UInt8> = 1...14

    /// Identifier of each kind, by raw value; 0 where there is none.
    private var identifiers = SIMD16<UInt8>(repeating: 0)
    /// Raw value of the kind plus one of each identifier up to 15; 0 where there is none.
    private var kinds = SIMD16<UInt8>(repeating: 0)
    /// Whether the two-byte form may be used where the one-byte form would do (`a=extmap-allow-mixed`, RFC 8285 section 6).
    package var allowsMixedForms = false

    package init() {}

    /// A map of the given pairs; of two that contradict each other the first holds.
    package init(_ pairs: KeyValuePairs<HeaderExtensionKind, UInt8>) {
        for (kind, identifier) in pairs { _ = insert(kind, identifier) }
    }

    /// Adds a pair. False, and nothing is added, when the identifier is 0 or 15, or the kind or the identifier is in use already.
    package mutating func insert(_ kind: HeaderExtensionKind, _ identifier: UInt8) -> Bool {
        guard identifier != 0, identifier != 15, self[kind] == nil, self.kind(of: identifier) == nil else { return false }
        identifiers[Int(kind.rawValue)] = identifier
        if identifier < 15 { kinds[Int(identifier)] = kind.rawValue + 1 }
        return true
    }

    /// The identifier of `kind`; nil when it was not negotiated.
    package subscript(kind: HeaderExtensionKind) -> UInt8? {
        let identifier = identifiers[Int(kind.rawValue)]
        return identifier == 0 ? nil : identifier
    }

    /// What `identifier` stands for; nil when it was not negotiated.
    package func kind(of identifier: UInt8) -> HeaderExtensionKind? {
        guard identifier > 14 else {
            let kind = kinds[Int(identifier)]
            return kind == 0 ? nil : HeaderExtensionKind(rawValue: kind - 1)
        }
        return HeaderExtensionKind.allCases.first { identifiers[Int($0.rawValue)] == identifier }
    }

    /// Whether an identifier was negotiated that the one-byte form cannot express.
    package var needsTwoByteForm: Bool { identifiers.max() > 15 }

    /// Whether nothing was negotiated.
    package var isEmpty: Bool { identifiers == SIMD16(repeating: 0) }
}

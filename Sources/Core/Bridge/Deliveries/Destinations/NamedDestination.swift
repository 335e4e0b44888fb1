package import BridgeModel

/// The name that an operator gives a destination: 1 to 64 lower-case letters, digits, hyphens and underscores.
package struct DestinationName: Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: String

    /// nil when the text is no such name.
    package init?(_ text: String) {
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard isName, (1...64).contains(text.utf8.count) else { return nil }
        rawValue = text
    }

    package var description: String { rawValue }
}

/// What an order or the configuration says about a destination: one by name, or a description.
package enum DestinationOrder: Sendable, Equatable {
    case named(DestinationName)
    case given(DestinationChoice)

    /// A destination without a fallback.
    package static func to(_ destination: Destination) -> DestinationOrder { .given(DestinationChoice(destination)) }
}

/// A destination with its name.
package struct NamedDestination: Sendable, Equatable {
    package var name: DestinationName
    package var choice: DestinationChoice
    package var changedAt: WallTime

    package init(name: DestinationName, choice: DestinationChoice, changedAt: WallTime) {
        self.name = name
        self.choice = choice
        self.changedAt = changedAt
    }
}

/// Whose recordings go to a named destination.
package enum DestinationScope: Hashable, Sendable {
    case account(AccountID)
    case stream(StreamID)
}

/// The named destinations and who uses which. Implemented by StoragePlane.
package protocol DestinationStore: Sendable {
    /// In order of their names.
    func destinations() async throws(BridgeError) -> [NamedDestination]
    func destination(_ name: DestinationName) async throws(BridgeError) -> NamedDestination?
    /// Inserts or replaces it.
    func save(_ destination: NamedDestination) async throws(BridgeError)
    /// False when there was none. Throws `limit_reached` while something is assigned to it.
    func remove(_ name: DestinationName) async throws(BridgeError) -> Bool
    /// nil assigns nothing. Throws `not_found` when there is no such destination.
    func assign(_ name: DestinationName?, to scope: DestinationScope) async throws(BridgeError)
    /// The name that is assigned; nil when none is.
    func assigned(to scope: DestinationScope) async throws(BridgeError) -> DestinationName?
}

/// Tries destinations out. Implemented by DeliveryPlane.
package protocol DestinationProbe: Sendable {
    /// Writes and removes a small object; nil when it worked, else one sentence about what is wrong and what to do.
    func trial(of destination: Destination) async -> String?
}

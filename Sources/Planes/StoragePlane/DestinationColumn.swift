internal import Bridge
internal import BridgeModel
internal import Foundation

/// A destination with its secrets as sealed JSON in the column `sealed_destination`.
enum DestinationColumn {
    static let name = "sealed_destination"

    /// Whatever the address rules are now: what was accepted once is held against them when it is connected to.
    private static let reader = DestinationReader(rules: AddressRules(allowPrivate: true))

    static func seal(
        _ choice: DestinationChoice, table: String, column: String = name, row: String, _ box: SecretBox
    ) throws -> Data {
        try box.seal([UInt8](choice.sealedText.revealed.utf8), for: SecretBox.Place(table: table, column: column, row: row))
    }

    /// Throws when it does not open or is no destination.
    static func open(_ columns: ColumnReader, column: String = name, _ box: SecretBox) throws -> DestinationChoice {
        let bytes = try columns.secretBytes(column, box)
        return try columns.required(try? reader.choice(JSONValue.read(bytes)))
    }
}

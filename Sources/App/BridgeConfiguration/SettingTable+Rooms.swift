import BridgeModel

extension SettingTable {
    static let rooms = [
        SettingKey("rooms.per-account", \.rooms.perAccount, .integer(1...100_000), "Rooms that an account may have open at once."),
        SettingKey(
            "rooms.participants-per-account", \.rooms.participantsPerAccount, .integer(1...1_000_000),
            "Participants that an account may have in all its rooms; who comes then is told that it is full."),
    ]
}

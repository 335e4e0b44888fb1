package import BridgeModel

/// Pictures that stand behind composites, as the native API commands and shows them. Implemented by ControlPlane.
package protocol BackgroundCommands: Sendable {
    /// Keeps a picture under a name, in place of one that has it; composites that show that one show this one from now on. True when the name is new.
    /// Throws `invalid_field` for what is no picture that can be taken, `limit_reached` and `storage_full`.
    func save(_ picture: [UInt8], as name: BackgroundName) async throws(BridgeError) -> (background: Background, isNew: Bool)
    /// By name.
    func backgrounds() async -> [Background]
    /// A picture's bytes. Throws `not_found`.
    func picture(_ name: BackgroundName) async throws(BridgeError) -> (background: Background, bytes: [UInt8])
    /// Throws `not_found`, and `background_in_use` while a composite shows it.
    func remove(_ name: BackgroundName) async throws(BridgeError)
}

/// Where they are kept. Implemented by StoragePlane.
package protocol BackgroundStore: Sendable {
    /// All that are pictures.
    func all() async throws(BridgeError) -> [Background]
    /// Writes a picture, whole and durably or not at all; `picture` was read as `header`. Throws `storage_full` and `unavailable`.
    func write(_ picture: [UInt8], _ header: PictureHeader, as name: BackgroundName) async throws(BridgeError) -> Background
    /// nil when the file is gone.
    func read(_ background: Background) async -> [UInt8]?
    /// Removes the file, where there is one.
    func remove(_ background: Background) async throws(BridgeError)
}

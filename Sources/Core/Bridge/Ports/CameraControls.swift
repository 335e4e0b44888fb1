package import BridgeModel

/// What a camera's agent does when it is told to. Implemented by what captures (`torch`, `zoom`, `rotate`, `mute`, `talk`) and by what connects the
/// camera with its bridge (`publish`, `idle`), each for its part.
package protocol CameraControls: Sendable {
    /// What can be asked of it now; told to the bridge when the agent connects.
    var abilities: CameraAbilities { get async }
    /// Returns when it is done. It is given orders one after another, and only what its abilities allow; an order that holds already changes nothing.
    /// Throws `unavailable` for what cannot be done now, and `invalid_field` for what cannot be done at all.
    func perform(_ order: CameraOrder) async throws(BridgeError)
}

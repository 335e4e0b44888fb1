/// Where somebody else's server is, by the address rules. Implemented by DeliveryPlane.
package protocol PushPlaces: Sendable {
    /// An address of the target's host that may be connected to; every other of the name's addresses may be, too.
    func address(of target: PushTarget) async -> Result<IPAddress, AttemptFault>
}

import Bridge
import BridgeModel
import Testing

@Suite struct CameraPresenceTests {
    private static let wall = WallTime(milliseconds: 1_700_000_000_000)
    private var presence = CameraPresence()
    private var now = MonotonicTime(nanoseconds: 0)

    private mutating func pass(_ duration: Duration) -> CameraEvent? {
        now = now.advanced(by: duration)
        return take(.deadline)
    }

    private mutating func take(_ input: CameraPresence.Input) -> CameraEvent? { presence.handle(input, now: now) }

    @Test mutating func aCameraThatComesAndGoesIsToldInPairs() {
        let able = CameraAbilities(torch: true)
        #expect(presence.deadline == nil && take(.came(able)) == .online(able))
        #expect(take(.went(.left, Self.wall)) == nil)
        #expect(presence.deadline == now.advanced(by: CameraPresence.grace))
        #expect(pass(CameraPresence.grace - .nanoseconds(1)) == nil)
        #expect(pass(.nanoseconds(1)) == .offline(.left, since: Self.wall))
        #expect(presence.deadline == nil && pass(.seconds(60)) == nil)
        #expect(take(.came(CameraAbilities())) == .online(CameraAbilities()))
    }

    @Test mutating func whoReturnsInTimeWasNotAway() {
        _ = take(.came(CameraAbilities()))
        for _ in 0..<3 {
            #expect(take(.went(.connectionLost, Self.wall)) == nil && pass(.seconds(4)) == nil)
            #expect(take(.came(CameraAbilities())) == nil && presence.deadline == nil && pass(.seconds(10)) == nil)
        }
        // Other abilities are no news either.
        #expect(take(.came(CameraAbilities(talks: true))) == nil)
        #expect(take(.went(.protocolError, Self.wall)) == nil)
        #expect(take(.went(.connectionLost, Self.wall.advanced(by: .seconds(1)))) == nil)
        #expect(pass(.seconds(5)) == .offline(.protocolError, since: Self.wall))
    }

    @Test mutating func aStopEndsWhoeverIsThere() {
        #expect(take(.stop(Self.wall)) == nil && take(.went(.left, Self.wall)) == nil && presence.deadline == nil)
        _ = take(.came(CameraAbilities()))
        #expect(take(.stop(Self.wall)) == .offline(.bridgeStopped, since: Self.wall))
        _ = take(.came(CameraAbilities()))
        _ = take(.went(.connectionLost, Self.wall))
        #expect(take(.stop(Self.wall.advanced(by: .seconds(2)))) == .offline(.connectionLost, since: Self.wall))
        #expect(presence.deadline == nil && take(.stop(Self.wall)) == nil)
    }
}

internal import Bridge

extension OutgoingCalls {
    /// Takes a session away at its server, in a few attempts: it occupies its place until the server notices by itself. Any answer will do: a server
    /// that refuses has no such session (any more).
    func farewell(_ call: OutgoingCall, within patience: Duration, clock: BridgeClock) async {
        let attempts = 3
        for attempt in 1...attempts {
            if case .success(let reply) = await self.call(call, within: patience), reply.status < 500 { return }
            guard attempt < attempts, (try? await clock.pause(.milliseconds(500))) != nil else { return }
        }
    }
}

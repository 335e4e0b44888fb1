/// Lets other tasks run until `probe` gives a value; nil when it does not within a minute, which only a broken bridge needs.
package func eventually<Value>(_ probe: () async -> Value?) async -> Value? {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if let value = await probe() { return value }
        try? await Task.sleep(for: .milliseconds(1))
    }
    return nil
}

/// Lets other tasks run until `condition` holds; false when it does not within a minute.
package func eventually(that condition: () async -> Bool) async -> Bool {
    await eventually { await condition() ? true : nil } ?? false
}

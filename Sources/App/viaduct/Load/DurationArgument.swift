import ArgumentParser
import BridgeConfiguration

/// A duration as people write it: `500ms`, `10s`, `1h30m`.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { DurationText.print(duration) }
}

internal import BridgeModel

/// What a load run does.
package struct LoadScenario: Sendable, Equatable {
    /// How viewers come and go.
    package enum Kind: String, Sendable, CaseIterable {
        /// They join at a rate, stay, and are measured together.
        case steady
        /// All join at once.
        case storm
        /// They join at a rate, stay for `hold`, and leave; in the end `viewers` have been there.
        case churn
    }

    package var kind: Kind
    package var publishers: Int
    package var viewers: Int
    /// Joins a second; nil: all at once.
    package var rate: Double?
    /// From the last join to the beginning of the measured time.
    package var settle: Duration
    /// The measured time; nil: until the run is stopped.
    package var duration: Duration?
    /// Churn: how long each viewer stays after its first packet.
    package var hold: Duration
    /// How long one join may take, to its first packet.
    package var patience: Duration

    package init(kind: Kind, publishers: Int, viewers: Int) {
        self.kind = kind
        self.publishers = publishers
        self.viewers = viewers
        rate = kind == .storm ? nil : 50
        settle = .seconds(2)
        duration = .seconds(10)
        hold = .seconds(1)
        patience = .seconds(15)
    }

    /// When viewer `index` begins to join, counted from the first.
    package func joinTime(of index: Int) -> Duration {
        guard let rate, rate > 0 else { return .zero }
        return .nanoseconds(Int64((Double(index) / rate * 1e9).rounded()))
    }

    /// Publishers come at this pace: they are prepared for, not measured.
    package func publisherTime(of index: Int) -> Duration { .milliseconds(20 * index) }

    /// The stream that viewer `index` watches: they are spread evenly.
    package func stream(ofViewer index: Int, streams: Int) -> Int { index % max(1, streams) }
}

/// A text with `{n}` for the number of a publisher, counted from 1.
package struct NumberedText: Sendable, Equatable {
    private let text: String
    private static let placeholder = "{n}"

    package init(_ text: String) { self.text = text }

    /// Whether each publisher gets another one.
    package var isNumbered: Bool { text.contains(Self.placeholder) }

    /// The text for publisher `index`, which is counted from 0.
    package func text(for index: Int) -> String {
        var result = ""
        var rest = Substring(text)
        while let place = rest.firstIndex(of: "{") {
            guard rest[place...].hasPrefix(Self.placeholder) else {
                result += rest[...place]
                rest = rest[rest.index(after: place)...]
                continue
            }
            result += rest[..<place] + String(index + 1)
            rest = rest[place...].dropFirst(Self.placeholder.count)
        }
        return result + rest
    }
}

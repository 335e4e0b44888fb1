package import BridgeModel

/// What makes recordings of a stream begin and end by themselves.
package struct RecordingPolicy: Sendable, Equatable {
    package var trigger: Trigger
    /// How much from before an event is in its recording; nil: `recording.pre-roll`.
    package var preRoll: Duration?
    /// How long after the last event its recording goes on; nil: `recording.post-roll`.
    package var postRoll: Duration?

    package init(_ trigger: Trigger, preRoll: Duration? = nil, postRoll: Duration? = nil) {
        self.trigger = trigger
        self.preRoll = preRoll
        self.postRoll = postRoll
    }

    /// When a recording begins.
    package enum Trigger: Sendable, Equatable {
        /// When signalling or the API asks.
        case request
        /// With every session, once.
        case session
        /// Whenever the stream has a source.
        case always
        /// At an event.
        case event
        /// In the windows of a schedule.
        case schedule(WeeklySchedule)
    }

    /// The longest pre-roll, as it is held in memory.
    package static let longestPreRoll: Duration = .seconds(60)
    /// The longest time that one event keeps a recording going.
    package static let longestPostRoll: Duration = .seconds(3600)
}

// As it travels and is stored.
extension RecordingPolicy {
    private static let members: Set<String> = ["trigger", "pre_roll_s", "post_roll_s", "schedule"]

    /// Reads a description. Whether the time zone exists is not looked at.
    package init(reading value: JSONValue) throws(FieldFault) {
        guard case .object(let members) = value else { throw FieldFault("policy", "an object") }
        if let stranger = members.keys.sorted().first(where: { !Self.members.contains($0) }) {
            throw FieldFault(stranger, "left out: the members are trigger, pre_roll_s, post_roll_s and schedule")
        }
        let schedule = try Self.schedule(value["schedule"])
        trigger = try Self.trigger(value["trigger"], schedule: schedule)
        guard schedule == nil || trigger == schedule.map(Trigger.schedule) else {
            throw FieldFault("schedule", "left out, unless the trigger is schedule")
        }
        preRoll = try Self.seconds(value, "pre_roll_s", in: 0...Self.longestPreRoll.components.seconds)
        postRoll = try Self.seconds(value, "post_roll_s", in: 1...Self.longestPostRoll.components.seconds)
        guard trigger == .event || (preRoll == nil && postRoll == nil) else {
            throw FieldFault(preRoll == nil ? "post_roll_s" : "pre_roll_s", "left out, unless the trigger is event")
        }
    }

    /// The members of the description; reading them gives the same policy.
    package var json: JSONText {
        var members: [JSONText.Member] = [.init("trigger", .string(trigger.name))]
        if let preRoll { members.append(.init("pre_roll_s", .integer(preRoll.components.seconds))) }
        if let postRoll { members.append(.init("post_roll_s", .integer(postRoll.components.seconds))) }
        if case .schedule(let schedule) = trigger {
            members.append(
                .init(
                    "schedule",
                    .object([
                        .init("time_zone", .string(schedule.timeZone)),
                        .init("windows", .array(schedule.windows.map { .string($0.text) })),
                    ])))
        }
        return .object(members)
    }

    private static func trigger(_ value: JSONValue?, schedule: WeeklySchedule?) throws(FieldFault) -> Trigger {
        switch value?.string {
        case "request": return .request
        case "session": return .session
        case "always": return .always
        case "event": return .event
        case "schedule":
            guard let schedule else { throw FieldFault("schedule", "an object with time_zone and windows") }
            return .schedule(schedule)
        default: throw FieldFault("trigger", "one of request, session, always, event and schedule")
        }
    }

    private static func seconds(_ value: JSONValue, _ name: String, in range: ClosedRange<Int64>) throws(FieldFault) -> Duration? {
        guard let member = value[name], !member.isNull else { return nil }
        guard let number = member.integer, range.contains(Int64(number)) else {
            throw FieldFault(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return .seconds(number)
    }

    private static func schedule(_ value: JSONValue?) throws(FieldFault) -> WeeklySchedule? {
        guard let value, !value.isNull else { return nil }
        guard let zone = value["time_zone"]?.string, isZoneName(zone) else {
            throw FieldFault("schedule.time_zone", "a name of the time zone database, for instance Europe/Berlin")
        }
        guard case .array(let items)? = value["windows"], (1...WeeklySchedule.windowLimit).contains(items.count) else {
            throw FieldFault("schedule.windows", "a list of 1 to \(WeeklySchedule.windowLimit) windows")
        }
        var windows: [WeeklySchedule.Window] = []
        for (index, item) in items.enumerated() {
            guard let window = item.string.flatMap({ WeeklySchedule.Window($0) }) else {
                throw FieldFault(
                    "schedule.windows[\(index)]", "days and times, for instance mon-fri 08:00-18:00 or daily 22:00-06:00")
            }
            windows.append(window)
        }
        return WeeklySchedule(timeZone: zone, windows: windows)
    }

    private static func isZoneName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "+-_/".utf8.contains(byte)
                }
            }
    }
}

extension RecordingPolicy.Trigger {
    /// The word of the description.
    package var name: String {
        switch self {
        case .request: "request"
        case .session: "session"
        case .always: "always"
        case .event: "event"
        case .schedule: "schedule"
        }
    }
}

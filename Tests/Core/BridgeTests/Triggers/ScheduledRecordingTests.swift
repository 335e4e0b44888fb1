import Bridge
import BridgeModel
import Testing

/// Schedules in virtual time.
@Suite struct ScheduledRecordingTests {
    /// Berlin around the night of 2026-03-29, and of 2026-10-25.
    private static let berlin: @Sendable (WallTime) -> Duration? = { moment in
        (1_774_746_000..<1_792_890_000).contains(moment.seconds) ? .seconds(7200) : .seconds(3600)
    }

    private func night(_ window: String, from start: WallTime) throws -> [String] {
        let schedule = WeeklySchedule(timeZone: "Europe/Berlin", windows: [try #require(WeeklySchedule.Window(window))])
        var stage = TriggerStage(RecordingPolicy(.schedule(schedule)))
        (stage.obeys, stage.zone, stage.wall) = (true, Self.berlin, start)
        stage.act(.streamLive(isNew: true))
        stage.pass(.seconds(86_400))
        var moments = stage.begun.map { "+" + $0.at.iso8601.dropFirst(11).prefix(8) }
        for (index, end) in stage.ended.enumerated() {
            moments.insert("-" + end.iso8601.dropFirst(11).prefix(8), at: min(2 * index + 1, moments.count))
        }
        return moments
    }

    private var spring: WallTime { WallTime(milliseconds: 1_774_699_200_000) }
    private var autumn: WallTime { WallTime(milliseconds: 1_792_843_200_000) }

    @Test func aWindowOpensAndClosesByTheClockOnTheWall() throws {
        #expect(try night("sat 22:00-23:30:15", from: spring) == ["+21:00:00", "-22:30:15"])
        #expect(try night("sat 22:00-23:30:15", from: autumn) == ["+20:00:00", "-21:30:15"])
    }

    @Test func theHourThatIsLeftOutCutsAWindow() throws {
        // The clock goes from 02:00 to 03:00 at 01:00 UTC.
        #expect(try night("sun 01:30-03:30", from: spring) == ["+00:30:00", "-01:30:00"])
        #expect(try night("sun 02:30-03:30", from: spring) == ["+01:00:00", "-01:30:00"])
        #expect(try night("sun 01:30-02:30", from: spring) == ["+00:30:00", "-01:00:00"])
        #expect(try night("sun 02:15-02:45", from: spring) == [])
    }

    @Test func theHourThatComesTwiceCountsTwice() throws {
        // The clock goes from 03:00 to 02:00 at 01:00 UTC.
        #expect(try night("sun 01:00-04:00", from: autumn) == ["+23:00:00", "-03:00:00"])
        #expect(try night("sun 02:15-02:45", from: autumn) == ["+00:15:00", "-00:45:00", "+01:15:00", "-01:45:00"])
    }

    @Test func whatAUserStopsIsRecordedAgainInTheNextWindow() throws {
        let schedule = WeeklySchedule(timeZone: "UTC", windows: [try #require(WeeklySchedule.Window("daily 12:00-13:00"))])
        var stage = TriggerStage(RecordingPolicy(.schedule(schedule)))
        (stage.obeys, stage.zone) = (true, { _ in .zero })
        stage.act(.streamLive(isNew: true))
        stage.act(.stoppedByUser(RecordingID("r1")))
        stage.act(.ended(RecordingID("r1")))
        stage.pass(.seconds(3600))
        #expect(stage.begun.count == 1)
        stage.pass(.seconds(86_400))
        #expect(stage.begun.count == 2)
    }

    @Test func aClockThatIsSetIsNoticedWithinAMinute() throws {
        let schedule = WeeklySchedule(timeZone: "UTC", windows: [try #require(WeeklySchedule.Window("daily 18:00-19:00"))])
        var stage = TriggerStage(RecordingPolicy(.schedule(schedule)))
        (stage.obeys, stage.zone) = (true, { _ in .zero })
        stage.act(.streamLive(isNew: true))
        stage.pass(.seconds(600))
        stage.wall = stage.wall.advanced(by: .seconds(6 * 3600))
        stage.pass(.seconds(60))
        #expect(stage.begun.count == 1)
        stage.wall = stage.wall.advanced(by: .seconds(-6 * 3600))
        stage.pass(.seconds(60))
        #expect(stage.ended.count == 1)
    }

    @Test func aTimeZoneThatIsGoneRecordsNothing() throws {
        let schedule = WeeklySchedule(timeZone: "Old/Zone", windows: [try #require(WeeklySchedule.Window("daily 00:00-24:00"))])
        var stage = TriggerStage(RecordingPolicy(.schedule(schedule)))
        stage.act(.streamLive(isNew: true))
        #expect(stage.effects.isEmpty)
    }
}

import Bridge
import BridgeModel
import Testing

@Suite struct WeeklyScheduleTests {
    /// Seconds on the clock on the wall: 2026-03-02 is a Monday.
    private static func local(day: Int64, _ hour: Int64, _ minute: Int64 = 0, _ second: Int64 = 0) -> Int64 {
        20_514 * 86_400 + day * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func schedule(_ windows: String...) throws -> WeeklySchedule {
        WeeklySchedule(timeZone: "UTC", windows: try windows.map { try #require(WeeklySchedule.Window($0)) })
    }

    @Test(arguments: [
        (local(day: 0, 8), true), (local(day: 0, 7, 59, 59), false), (local(day: 4, 17, 59, 59), true), (local(day: 4, 18), false),
        (local(day: 5, 12), false), (local(day: 6, 12), false), (local(day: 7, 12), true), (local(day: -1, 12), false),
    ]) func aWindowIsOpenFromItsBeginningUpToItsEnd(_ local: Int64, _ isOpen: Bool) throws {
        #expect(try Self.schedule("mon-fri 08:00-18:00").isOpen(local: local) == isOpen)
    }

    @Test(arguments: [
        (local(day: 4, 22), true), (local(day: 5, 5, 59), true), (local(day: 5, 6), false), (local(day: 5, 21, 59), false),
        (local(day: 6, 3), false), (local(day: 4, 3), false),
    ]) func aWindowMayPassMidnight(_ local: Int64, _ isOpen: Bool) throws {
        #expect(try Self.schedule("fri 22:00-06:00").isOpen(local: local) == isOpen)
    }

    @Test func daysMayPassTheEndOfTheWeek() throws {
        let schedule = try Self.schedule("sat-mon,wed 00:00-24:00")
        let open = (0..<7).map { schedule.isOpen(local: Self.local(day: $0, 12)) }
        #expect(open == [true, false, true, false, false, true, true])
        #expect(schedule.isOpen(local: Self.local(day: 0, 23, 59, 59)) && !schedule.isOpen(local: Self.local(day: 1, 0)))
    }

    @Test func windowsMayOverlap() throws {
        let schedule = try Self.schedule("mon 08:00-12:00", "mon 10:00-14:00")
        #expect(schedule.isOpen(local: Self.local(day: 0, 11)) && schedule.isOpen(local: Self.local(day: 0, 13)))
        #expect(!schedule.isOpen(local: Self.local(day: 0, 14)))
    }

    /// It is never looked at too late: between a look and the next nothing changes.
    @Test func nothingChangesBetweenTwoLooks() throws {
        let schedule = try Self.schedule("mon 08:00-12:00:07", "tue,thu 22:30-02:10", "daily 03:00:01-03:00:02", "sun 23:59:59-24:00")
        var local = Self.local(day: 0, 0)
        let end = local + 8 * 86_400
        while local < end {
            let wait = schedule.nextLook(local: local, limit: 60)
            #expect((1...60).contains(wait))
            for second in local..<local + wait { #expect(schedule.isOpen(local: second) == schedule.isOpen(local: local)) }
            local += wait
        }
    }

    @Test func before1970TheWeekGoesOn() throws {
        // 1969-12-29 was a Monday.
        let schedule = try Self.schedule("mon 08:00-18:00")
        #expect(schedule.isOpen(local: -3 * 86_400 + 9 * 3600) && !schedule.isOpen(local: -2 * 86_400 + 9 * 3600))
    }

    @Test(arguments: [
        "", " ", "mon", "mon ", "mon 8:00-9:00", "mon 08:00", "mon 08:00-08:00", "mon 24:00-01:00", "mon 08:00-24:01", "mon 08:60-09:00",
        "mon 08:00-09:00:60", "mon 08:00 -09:00", "mon  08:00-09:00", "Mon 08:00-09:00", "mon, 08:00-09:00", ",mon 08:00-09:00",
        "mon-tue-wed 08:00-09:00", "mon- 08:00-09:00", "montag 08:00-09:00", "mon 08:00-09:00-10:00", "mon 08:00-09:00 ",
        "mon -8:00-09:00", "mon 08:00:00:00-09:00", "mon ٠٨:00-09:00", "daily,mon 08:00-09:00",
        "mon,tue,wed,thu,fri,sat,sun,mon,tue,wed,thu,fri,sat,sun,mon,tue 08:00-09:00",
    ]) func otherTextsAreNoWindows(_ text: String) {
        #expect(WeeklySchedule.Window(text) == nil)
    }

    @Test func aPolicyIsReadAsItWasWritten() throws {
        let schedule = WeeklySchedule(timeZone: "Europe/Berlin", windows: [try #require(WeeklySchedule.Window("daily 22:00-06:00"))])
        let policies = [
            RecordingPolicy(.request), RecordingPolicy(.session), RecordingPolicy(.always), RecordingPolicy(.schedule(schedule)),
            RecordingPolicy(.event, preRoll: .zero, postRoll: .seconds(3600)), RecordingPolicy(.event),
        ]
        for policy in policies { #expect(try RecordingPolicy(reading: JSONValue.read(Array(policy.json.text.utf8))) == policy) }
    }

    @Test(
        arguments: [
            (["trigger": "always", "schedule": ["time_zone": "UTC", "windows": ["mon 08:00-09:00"]]], "schedule"),
            (["trigger": "schedule", "schedule": ["time_zone": "../etc", "windows": ["mon 08:00-09:00"]]], "schedule.time_zone"),
            (["trigger": "schedule", "schedule": ["time_zone": "", "windows": ["mon 08:00-09:00"]]], "schedule.time_zone"),
            (["trigger": "schedule", "schedule": ["time_zone": "UTC", "windows": []]], "schedule.windows"),
            (["trigger": "schedule", "schedule": ["time_zone": "UTC", "windows": ["mon 08:00-09:00", 7]]], "schedule.windows[1]"),
            (["trigger": "schedule", "schedule": "mon 08:00-09:00"], "schedule.time_zone"),
            (["trigger": ["event"]], "trigger"), (["trigger": "event", "pre_roll_s": .number(1.5)], "pre_roll_s"), ("event", "policy"),
        ] as [(JSONValue, String)]) func otherDescriptionsAreRefused(_ value: JSONValue, _ field: String)
    {
        #expect(
            { () -> String? in
                do throws(FieldFault) { _ = try RecordingPolicy(reading: value) } catch { return error.field }
                return nil
            }() == field)
    }
}

import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Synchronization
import Testing

/// Makes nothing, and notes what it is told; holds up and fails where a test wants it.
private final class FakeMaker: RoomMixes, RoomComposites {
    let calls = Journal<String>()
    let gate = Gate()
    private let failure = Mutex<BridgeError?>(nil)

    func fail(_ error: BridgeError?) { failure.withLock { $0 = error } }

    private func pass(_ words: String) async throws(BridgeError) {
        calls.note(words)
        await gate.pass()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    func check(_ room: RoomID) async throws(BridgeError) {}

    func start(_ room: RoomID, for use: RoomPictureUse) async throws(BridgeError) -> LiveStream {
        try await pass("picture \(use)")
        return Sample.stream(Sample.context("picture", stream: "picture-of-\(room)"))
    }

    func end(_ room: RoomID, for use: RoomPictureUse) async { calls.note("no picture \(use)") }

    func mix(of room: RoomID, without participant: ParticipantID) async throws(BridgeError) -> StreamID {
        try await pass("mix \(participant)")
        return StreamID("mix-\(participant)")
    }

    func endMix(of room: RoomID, without participant: ParticipantID) async { calls.note("no mix \(participant)") }
}

@Suite(.timeLimit(.minutes(1))) struct RoomSingleWorkTests {
    private let maker = FakeMaker()
    private let bench: RoomBench

    init() { bench = RoomBench(mixes: maker, pictures: maker) }

    private func viewer(_ name: String) async throws -> RoomTestSocket {
        let viewer = try await bench.join("standup viewer \(name)")
        await bench.send(.single(true), viewer)
        return viewer
    }

    private func told(_ socket: RoomTestSocket) -> [Bool] {
        socket.heard.all.compactMap { if case .notice(.single(let isOn, _, _)) = $0 { isOn } else { nil } }
    }

    @Test func onePictureForAllAndASoundForEach() async throws {
        try await bench.open()
        let (vera, will) = (try await viewer("vera"), try await viewer("will"))
        #expect(await eventually { told(vera) == [true] && told(will) == [true] })
        let opened = bench.media.calls.all.filter { $0.hasPrefix("open") }
        #expect(Set(opened).isSuperset(of: ["open sound-vera from mix-vera 0", "open sound-will from mix-will 0"]))
        #expect(opened.contains { $0.hasPrefix("open picture from picture-of-standup") })
        await bench.send(.single(false), vera)
        #expect(await eventually { maker.calls.all.contains("no mix vera") })
        #expect(!maker.calls.all.contains("no picture watching"))
        await bench.send(.leave, will)
        #expect(await eventually { maker.calls.all.last == "no picture watching" })
        #expect(maker.calls.all.contains("no mix will"))
        #expect(Set(bench.media.calls.all.filter { $0.hasPrefix("drop") }) == ["drop sound-vera", "drop sound-will", "drop picture"])
    }

    @Test func whatCannotBeMadeIsSaidAndEachTrackStays() async throws {
        try await bench.open()
        maker.fail(BridgeError(.limitReached, "The bridge mixes no more."))
        let vera = try await viewer("vera")
        #expect(await eventually { told(vera) == [false] })
        #expect(vera.failures == [.limitReached])
        #expect(await eventually { maker.calls.all.last == "no picture watching" })
        maker.fail(nil)
        await bench.send(.single(true), vera)
        #expect(await eventually { told(vera) == [false, true] })
    }

    @Test func onlyTheNewestWishCounts() async throws {
        try await bench.open()
        maker.gate.close()
        let vera = try await viewer("vera")
        await bench.send(.single(false), vera)
        await bench.send(.single(true), vera)
        #expect(await eventually { !maker.calls.all.isEmpty })
        maker.gate.open()
        #expect(await eventually { told(vera) == [false, true] })
        #expect(maker.calls.all == ["picture watching", "mix vera"])
    }

    @Test func whoGoesMeanwhileLeavesNothing() async throws {
        try await bench.open()
        maker.gate.close()
        let vera = try await viewer("vera")
        await bench.send(.leave, vera)
        maker.gate.open()
        #expect(await eventually { maker.calls.all.last == "no picture watching" })
        #expect(told(vera).isEmpty)
    }

    @Test func aBridgeThatMakesNoneSaysSo() async throws {
        let bench = RoomBench()
        try await bench.open()
        let vera = try await bench.join("standup viewer vera")
        await bench.send(.single(true), vera)
        #expect(await eventually { vera.failures == [.pipelineUnavailable] })
    }
}

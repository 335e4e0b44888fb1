import Testing

@testable import DeliveryPlane

@Suite(.timeLimit(.minutes(1))) struct BellTests {
    @Test func aRingBeforeTheWaitIsKeptOnce() async {
        let bell = Bell()
        bell.ring()
        bell.ring()
        #expect(await bell.wait())
        let second = Task { await bell.wait() }
        second.cancel()
        #expect(await second.value == false)
    }

    @Test func aRingWakesTheWaiter() async {
        let bell = Bell()
        async let woken = bell.wait()
        bell.ring()
        #expect(await woken)
    }

    @Test func aCancelledTaskDoesNotWait() async {
        let bell = Bell()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await bell.wait()
        }
        #expect(await task.value == false)
    }

    @Test func noRingIsLostBetweenTasks() async {
        for _ in 0..<2000 {
            let bell = Bell()
            await withTaskGroup(of: Bool.self) { group in
                group.addTask { await bell.wait() }
                group.addTask {
                    bell.ring()
                    return true
                }
                for await result in group { #expect(result) }
            }
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct BlockingPoolTests {
    private struct Failure: Error {}

    @Test func resultsAndErrorsComeBack() async throws {
        let pool = BlockingPool(threads: 2)
        #expect(try await pool.run { _ in 7 } == 7)
        #expect(try await pool.runAbandonable { 8 } == 8)
        await #expect(throws: Failure.self) { try await pool.run { _ in throw Failure() } }
        await #expect(throws: Failure.self) { try await pool.runAbandonable { throw Failure() } }
    }

    @Test func cancellationReachesTheWork() async {
        let pool = BlockingPool(threads: 1)
        let (started, continuation) = AsyncStream<Void>.makeStream()
        let task = Task {
            try await pool.run { flag in
                continuation.finish()
                while true { try flag.check() }
            }
        }
        for await _ in started {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func anAbandonedCallIsNotWaitedFor() async {
        let pool = BlockingPool(threads: 1)
        let release = CancellationFlag()
        let (started, continuation) = AsyncStream<Void>.makeStream()
        let task = Task {
            try await pool.runAbandonable {
                continuation.finish()
                while (try? release.check()) != nil {}
            }
        }
        for await _ in started {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        release.raise()
    }
}

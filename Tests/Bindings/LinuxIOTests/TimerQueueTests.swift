import LinuxIO
import Testing

@Suite struct TimerQueueTests {
    private let queue: TimerQueue

    init() throws { queue = try TimerQueue(name: "test-timers") }

    private func after(_ milliseconds: UInt64) -> UInt64 { SystemClocks.monotonicNanoseconds + milliseconds * 1_000_000 }

    /// An hour from now: whoever sleeps until then is not woken by its deadline.
    private var far: UInt64 { after(3_600_000) }

    /// A task that sleeps by the time that this returns; true: its deadline came.
    private func sleeper(until deadline: UInt64) async -> Task<Bool, Never> {
        let others = queue.count
        let task = Task { [queue] in (try? await queue.sleep(until: deadline)) != nil }
        while queue.count == others { await Task.yield() }
        return task
    }

    @Test(.timeLimit(.minutes(1))) func aSleepEndsAtItsDeadlineAndNotBefore() async throws {
        for wait: UInt64 in [20, 0, 5] {
            let deadline = after(wait)
            try await queue.sleep(until: deadline)
            #expect(SystemClocks.monotonicNanoseconds >= deadline)
        }
        try await queue.sleep(until: 0)
        #expect(queue.count == 0)
    }

    @Test(.timeLimit(.minutes(1))) func aNearerDeadlineIsNotKeptWaitingByOneThatCameBefore() async throws {
        let first = await sleeper(until: far)
        try await queue.sleep(until: after(5))
        first.cancel()
        #expect(await first.value == false)
    }

    @Test(.timeLimit(.minutes(1))) func aCancelledSleepThrowsAtOnceAndIsForgotten() async {
        let sleepers = [await sleeper(until: far), await sleeper(until: far), await sleeper(until: far)]
        #expect(queue.count == 3)
        sleepers[1].cancel()
        #expect(await sleepers[1].value == false)
        #expect(queue.count == 2)
        for sleeper in sleepers { sleeper.cancel() }
        for sleeper in sleepers { #expect(await sleeper.value == false) }
        #expect(queue.count == 0)
    }

    @Test(.timeLimit(.minutes(1))) func whoIsCancelledAlreadyDoesNotSleep() async {
        let task = Task { [queue, far] in
            while !Task.isCancelled { await Task.yield() }
            return (try? await queue.sleep(until: far)) != nil
        }
        task.cancel()
        #expect(await task.value == false)
        #expect(queue.count == 0)
    }

    /// From many tasks at once, cancelled before, at and after the moment at which they begin to sleep, or not at all.
    @Test(.timeLimit(.minutes(1))) func everySleepEndsOnce() async {
        let ends = await withTaskGroup { group in
            for number in 0..<2000 {
                group.addTask { [queue] in
                    let task = Task { (try? await queue.sleep(until: after(number.isMultiple(of: 2) ? 3_600_000 : 10))) != nil }
                    if number.isMultiple(of: 3) { await Task.yield() }
                    if number.isMultiple(of: 2) { task.cancel() }
                    return (number, await task.value)
                }
            }
            return await group.reduce(into: [:]) { ends, end in ends[end.0] = end.1 }
        }
        #expect(ends.count == 2000)
        #expect(ends.allSatisfy { number, isReached in isReached == !number.isMultiple(of: 2) })
        #expect(queue.count == 0)
    }

    /// A process without the threads of queues that are gone.
    @Test(.timeLimit(.minutes(1))) func theThreadEndsWithItsQueue() async throws {
        weak var gone: TimerQueue?
        do {
            let queue = try TimerQueue(name: "short-lived")
            gone = queue
            try await queue.sleep(until: after(1))
        }
        #expect(gone == nil)
    }
}

import Synchronization
import Testing

@testable import GStreamerKit

/// An actor on the loop, which checks its isolation at each step.
private actor Counter {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private(set) var value = 0

    init(loop: GLibLoop) { self.loop = loop }

    func increment() {
        loop.checkIsolated()
        value += 1
    }

    nonisolated func incrementOnLoop() { assumeIsolated { $0.value += 1 } }
}

struct GLibLoopTests {
    @Test func concurrentCallsOfAnActorAreAllDone() async {
        let loop = GLibLoop()
        let counter = Counter(loop: loop)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<1000 { await counter.increment() } }
            }
        }
        #expect(await counter.value == 8000)
        loop.shutDown()
    }

    @Test func postedWorkRunsInOrderOnTheLoopAndMayAssumeTheActor() async {
        let loop = GLibLoop()
        let counter = Counter(loop: loop)
        let seen = OrderBox()
        for number in 0..<100 { loop.post { seen.append(number) } }
        loop.post { counter.incrementOnLoop() }
        loop.shutDown()  // runs what was posted before
        #expect(seen.numbers == Array(0..<100))
    }

    @Test func aTimerFiresUntilItIsCancelled() async {
        let loop = GLibLoop()
        let (ticks, ticking) = AsyncStream<Void>.makeStream()
        let timer = loop.scheduleRepeating(every: .milliseconds(1)) { ticking.yield() }
        var iterator = ticks.makeAsyncIterator()
        for _ in 0..<3 { await iterator.next() }
        timer.cancel()
        loop.shutDown()
        loop.shutDown()  // a second call does nothing
        ticking.finish()
    }

    @Test func isolationIsKnownOnAndOffTheLoop() async {
        let loop = GLibLoop()
        #expect(loop.isIsolatingCurrentContext() == false)
        let onLoop = await withCheckedContinuation { continuation in
            loop.post { continuation.resume(returning: loop.isIsolatingCurrentContext()) }
        }
        #expect(onLoop == true)
        loop.shutDown()
    }
}

private final class OrderBox: Sendable {
    private let order = Mutex<[Int]>([])
    var numbers: [Int] { order.withLock { $0 } }
    func append(_ number: Int) { order.withLock { $0.append(number) } }
}

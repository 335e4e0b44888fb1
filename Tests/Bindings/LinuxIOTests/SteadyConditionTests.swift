import Foundation
import LinuxIO
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct SteadyConditionTests {
    @Test func aWaitEndsByItself() {
        let condition = SteadyCondition()
        let began = ContinuousClock.now
        condition.withLock { condition.wait(for: .milliseconds(1050)) }
        #expect(ContinuousClock.now - began >= .milliseconds(1000))
    }

    @Test func aSignalEndsAWaitBeforeItsTime() {
        let condition = SteadyCondition()
        let isThere = Mutex(false)
        let thread = Thread {
            condition.withLock {
                isThere.withLock { $0 = true }
                condition.signal()
            }
        }
        let began = ContinuousClock.now
        condition.withLock {
            thread.start()
            while !isThere.withLock({ $0 }) { condition.wait(for: .seconds(3600)) }
        }
        #expect(ContinuousClock.now - began < .seconds(50))
    }
}

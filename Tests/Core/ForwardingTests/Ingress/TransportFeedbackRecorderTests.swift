import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

@Suite struct TransportFeedbackRecorderTests {
    private let start = MonotonicTime(nanoseconds: 64_000_000 * 1000)

    private func time(_ milliseconds: Int) -> MonotonicTime { start.advanced(by: .milliseconds(milliseconds)) }

    /// What is told at `milliseconds`: each feedback as its statuses, in milliseconds from `start`, -1 for lost ones.
    private func told(_ recorder: inout TransportFeedbackRecorder, at milliseconds: Int, capacity: Int = 1200) -> [[UInt16: Int]] {
        var bytes = [UInt8](repeating: 0, count: capacity)
        return bytes.withUnsafeMutableBytes { buffer in
            var writer = RTCPWriter(buffer)
            recorder.write(to: &writer, sender: 1, media: 2, now: time(milliseconds))
            return RTCPCompound(UnsafeRawBufferPointer(rebasing: buffer[..<writer.count])).compactMap { packet in
                TransportFeedback(packet).map { feedback in
                    let reference = Int64(feedback.referenceTime) * 64 - 64_000
                    let pairs = feedback.statuses.map { ($0.sequence, $0.arrivalTicks.map { Int(reference + $0 / 4) } ?? -1) }
                    return Dictionary(uniqueKeysWithValues: pairs)
                }
            }
        }
    }

    @Test func feedbackIsDueFiftyMillisecondsAfterTheFirstPacket() {
        var recorder = TransportFeedbackRecorder()
        #expect(recorder.deadline == nil)
        recorder.receive(65_535, arrival: time(0))
        recorder.receive(1, arrival: time(30))
        #expect(recorder.deadline == time(50))
        #expect(told(&recorder, at: 49) == [])
        #expect(told(&recorder, at: 50).reduce(into: [:]) { $0.merge($1) { _, new in new } } == [65_535: 0, 0: -1, 1: 30])
        #expect(recorder.deadline == nil)
    }

    @Test func eachPacketIsToldOnceAndALateOneTakesBackItsLoss() {
        var recorder = TransportFeedbackRecorder()
        for (number, at) in [(1, 0), (2, 1), (4, 2)] as [(UInt16, Int)] { recorder.receive(number, arrival: time(at)) }
        #expect(told(&recorder, at: 100) == [[1: 0, 2: 1, 3: -1, 4: 2]])
        recorder.receive(3, arrival: time(120))
        recorder.receive(4, arrival: time(121))
        recorder.receive(5, arrival: time(122))
        #expect(told(&recorder, at: 300) == [[3: 120, 4: 2, 5: 122]], "a second copy does not change when the first came")
    }

    @Test func whatDoesNotFitIsToldNext() {
        var recorder = TransportFeedbackRecorder()
        for number: UInt16 in 0..<100 { recorder.receive(number, arrival: time(Int(number) * 70)) }
        let first = told(&recorder, at: 10_000, capacity: 60)
        #expect(first.count == 1 && (1..<99).contains(first[0].count))
        let rest = told(&recorder, at: 10_000)
        #expect(first[0].count + rest.reduce(0) { $0 + $1.count } == 100)
    }

    @Test func aLeapForgetsWhatFallsOutOfMemory() {
        var recorder = TransportFeedbackRecorder()
        recorder.receive(0, arrival: time(0))
        recorder.receive(30_000, arrival: time(1))
        let statuses = told(&recorder, at: 200).flatMap { $0 }
        #expect(statuses.count <= Int(TransportFeedbackRecorder.capacity))
        #expect(statuses.filter { $0.value >= 0 }.map(\.key) == [30_000])
        recorder.receive(1, arrival: time(300))
        #expect(recorder.deadline == nil, "too old to be told")
    }

    /// The ring wraps many times; every packet that came is told once, with its time.
    @Test func longTrafficWithLossIsToldWhole() {
        var random = SeededRandom(seed: 3)
        var recorder = TransportFeedbackRecorder()
        var expected: [UInt16: Int] = [:]
        var result: [UInt16: Int] = [:]
        for step in 0..<30_000 {
            let number = UInt16(truncatingIfNeeded: 50_000 + step)
            if !random.happens(0.2) {
                recorder.receive(number, arrival: time(step / 4))
                expected[number] = step / 4
            }
            guard step % 37 == 0 else { continue }
            for feedback in told(&recorder, at: step / 4) { result.merge(feedback) { _, new in new } }
        }
        for feedback in told(&recorder, at: 100_000) { result.merge(feedback) { _, new in new } }
        #expect(result.filter { $0.value >= 0 } == expected)
    }
}

import Bridge
import Testing

/// What a camera reads of its machine, and what it keeps of its own recordings.
@Suite struct MachineFactsTests {
    private static let stat = "cpu  100 20 30 800 50 1 2 3 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\nintr 5\n"

    @Test func theProcessorsLoadIsWhatIsNotIdle() throws {
        let first = try #require(MachineFacts.processorTime(Self.stat))
        #expect(first == MachineFacts.ProcessorTime(busy: 156, total: 1006))
        let later = MachineFacts.ProcessorTime(busy: 206, total: 1106)
        #expect(later.load(since: first) == 0.5 && first.load(since: first) == nil && first.load(since: later) == nil)
    }

    @Test(arguments: ["", "cpu", "cpu 1 2 3", "cpu0 1 2 3 4 5", "intr 1\ncpu 1 2 3 4 5", "cpu 1 2 3 18446744073709551615 1"])
    func otherTextIsNoProcessorTime(text: String) { #expect(MachineFacts.processorTime(text) == nil) }

    @Test func memoryIsWhatIsNotAvailable() {
        #expect(MachineFacts.memoryUsed("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   250 kB\n") == 0.75)
        for text in [
            "", "MemTotal: 0 kB\nMemAvailable: 0 kB", "MemTotal: 5 kB", "MemTotal: 5 kB\nMemAvailable: 6 kB",
            "MemTotal: x\nMemAvailable: 1",
        ] {
            #expect(MachineFacts.memoryUsed(text) == nil, "\(text)")
        }
    }

    @Test func uptimeAndTemperatureAreNumbers() {
        #expect(MachineFacts.uptime("57.25 99.0\n") == 57.25 && MachineFacts.temperature("48500\n") == 48.5)
        for text in ["", "x", "-1 2", "nan", "inf"] { #expect(MachineFacts.uptime(text) == nil, "\(text)") }
        for text in ["", "x", "99999999999999999999", "-274000", "300000"] { #expect(MachineFacts.temperature(text) == nil, "\(text)") }
    }

    @Test func theOldestFilesGoWhenTheLimitIsReached() {
        var shelf = OfflineShelf(limit: 100 << 20, files: [("old", 40 << 20), ("newer", 40 << 20)])
        #expect(shelf.fileBytes == 100 << 17)
        let given = [("a", 20), ("a", 21), ("b", 99), ("b", 500), ("c", 1)].map { shelf.noted($0.0, bytes: $0.1 << 20) }
        // The newest stays, and what does not fit beside it is gone.
        #expect(given == [[], ["old"], ["newer", "a"], [], ["b"]] && shelf.bytes == 1 << 20)
    }

    @Test func filesAreNeitherTinyNorHuge() {
        #expect(OfflineShelf(limit: 1).fileBytes == 1 << 20 && OfflineShelf(limit: 1 << 40).fileBytes == 256 << 20)
    }
}

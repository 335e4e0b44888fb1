import Foundation
import LinuxIO
import Testing

@Suite struct ProcessLockTests {
    @Test func oneHoldsItAndTheNextGetsItAfterwards() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-lock-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var first = try ProcessLock(path: path)
        #expect(first != nil)
        #expect(try ProcessLock(path: path) == nil, "a second holder, in this process or another")
        first = nil
        #expect(try ProcessLock(path: path) != nil)
    }

    @Test func aFolderThatIsMissingIsAnError() {
        #expect(throws: SystemError.self) { try ProcessLock(path: "/nowhere/viaduct/lock") }
    }
}

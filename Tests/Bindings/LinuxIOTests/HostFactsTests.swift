import Foundation
import LinuxIO
import Testing

@Suite struct HostFactsTests {
    @Test func usableCoresAreThoseThatTheKernelLetsThisProcessHave() throws {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") })
        let masks = line.dropFirst("Cpus_allowed:".count).trimmingCharacters(in: .whitespaces).split(separator: ",")
        #expect(HostFacts.usableCores == masks.compactMap { UInt32($0, radix: 16) }.reduce(0) { $0 + $1.nonzeroBitCount })
    }
}

@Suite struct CameraTorchTests {
    @Test(arguments: ["/dev/null", "/dev/nothing-of-the-kind", "/", ""])
    func whatIsNoCameraHasNoLight(device: String) {
        #expect(CameraTorch(device: device) == nil)
    }
}

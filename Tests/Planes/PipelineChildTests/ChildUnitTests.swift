import BridgeModel
import Foundation
import GStreamerKit
import Testing

@testable import PipelineChild

struct VersionGateTests {
    /// Pairs in rising order, by `dpkg --compare-versions`.
    @Test(arguments: [
        ("1.22.0-4+deb12u7", "1.22.0-4+deb12u8"), ("1.22.0-4+deb12u8", "1.22.0-4+deb12u10"), ("1.22.0-4", "1.22.0-4+deb12u1"),
        ("1.22.0~rc1-1", "1.22.0-1"), ("1.22.0-5", "1.22.1-1"), ("9.9-1", "1:0.1-1"), ("1.0", "1.0-1"), ("1.0a", "1.0+"), ("", "0.1"),
        ("1.22.0-4+deb12u8", "1.24.0-1"),
    ])
    func versionsAreOrderedAsByDpkg(older: String, newer: String) {
        #expect(DebianVersion(older) < DebianVersion(newer))
        #expect(!(DebianVersion(newer) < DebianVersion(older)))
        #expect(DebianVersion(older) == DebianVersion(older))
    }

    private let status = """
        Package: other
        Version: 9.9

        Package: gstreamer1.0-plugins-bad
        Status: install ok installed
        Version: 1.22.0-4+deb12u8
        Description: x
         Version: 7

        Package: gstreamer1.0-plugins-bad-apps
        Version: 3

        Package: unversioned

        Package: last
        Version: 2
        """

    @Test func anInstalledVersionIsFoundInItsOwnParagraph() {
        let data = Data(status.utf8)
        #expect(VersionGate.installedVersion(of: "gstreamer1.0-plugins-bad", inStatus: data) == "1.22.0-4+deb12u8")
        #expect(VersionGate.installedVersion(of: "other", inStatus: data) == "9.9")
        #expect(VersionGate.installedVersion(of: "last", inStatus: data) == "2")
        #expect(VersionGate.installedVersion(of: "unversioned", inStatus: data) == nil)
        #expect(VersionGate.installedVersion(of: "gstreamer1.0", inStatus: data) == nil)
        #expect(VersionGate.installedVersion(of: "other", inStatus: Data()) == nil)
    }

    @Test func anOldPackageIsRefused() throws {
        _ = TestGStreamer.ready
        let file = FileManager.default.temporaryDirectory.appending(path: "viaduct-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("Package: gstreamer1.0-plugins-good\nVersion: 1.22.0-5+deb12u3\n".utf8).write(to: file)
        #expect(throws: GStreamerError.self) { try VersionGate.check(packageStatusFile: file.path) }
        try Data("Package: gstreamer1.0-plugins-good\nVersion: 1.22.0-5+deb12u4\n".utf8).write(to: file)
        try VersionGate.check(packageStatusFile: file.path)
        try VersionGate.check(packageStatusFile: "/nonexistent")  // a system without dpkg
    }
}

struct ClockStripTests {
    @Test(arguments: [(640, 360), (1280, 720), (320, 180), (258, 146)])
    func theClockIsReadBackToTheMillisecond(width: Int, height: Int) throws {
        let strip = try #require(ClockStrip(width: width, height: height))
        var picture = [UInt8](repeating: 99, count: (width + 3) * (height + 1) * 3 / 2 + 4 * height)
        let time = WallTime(milliseconds: 1_794_972_613_457)
        picture.withUnsafeMutableBytes { strip.draw(time, into: $0) }
        #expect(picture.withUnsafeBytes { strip.read($0) } == time)
    }

    @Test func aPictureThatIsTooSmallIsLeftAlone() throws {
        #expect(ClockStrip(width: 255, height: 360) == nil)
        #expect(ClockStrip(width: 640, height: 31) == nil)
        let strip = try #require(ClockStrip(width: 640, height: 360))
        var picture = [UInt8](repeating: 99, count: 640 * 360)
        picture.withUnsafeMutableBytes { strip.draw(WallTime(milliseconds: 1), into: $0) }
        #expect(picture.allSatisfy { $0 == 99 })
        #expect([UInt8](repeating: 0, count: 100).withUnsafeBytes { strip.read($0) } == nil)
    }
}

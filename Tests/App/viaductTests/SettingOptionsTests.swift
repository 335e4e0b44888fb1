import ArgumentParser
import BridgeModel
import Foundation
import Testing

@testable import viaduct

@Suite struct SettingOptionsTests {
    /// The settings of these arguments and of a file with this text.
    private func load(_ arguments: String..., file: String? = nil, defaults: [String] = []) throws -> Settings {
        guard let file else { return try SettingOptions.parse(arguments).load(defaults: defaults) }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-\(UUID().uuidString).yaml").path
        try file.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try SettingOptions.parse(["--config", path] + arguments).load(defaults: defaults)
    }

    @Test func optionsAreStrongerThanACommandsDefaultsAndThoseThanTheFile() throws {
        let file = "http:\n  port: 1001\n  bind: 127.0.0.3\n"
        let settings = try load("--set", "http.port=1003", file: file, defaults: ["http.port=1002", "streams.public=true"])
        #expect(settings.http.port == 1003 && settings.http.bind == "127.0.0.3" && settings.streamsPublic)
        #expect(try load(file: file, defaults: ["http.port=1002"]).http.port == 1002)
        #expect(try load(file: file).http.port == 1001)
    }

    @Test func theDataFolderIsAbsolute() throws {
        let here = FileManager.default.currentDirectoryPath
        #expect(try load("--set", "data.folder=./some/../data").dataFolder == here + "/data")
        #expect(try load("--set", "data.folder=/var/lib/viaduct").dataFolder == "/var/lib/viaduct")
    }

    @Test(arguments: ["http.prt=1", "http.port", "http.port=x", "http.port=70000"]) func aMistakeIsTheOperatorsToCorrect(_ text: String) {
        #expect(throws: OperatorError.self) { try load("--set", text) }
    }

    @Test func aMistypedKeyIsToldWithTheNearest() {
        #expect { try load("--set", "http.prt=1") } throws: { "\($0)".contains("http.prt") && "\($0)".contains("http.port") }
    }

    @Test func aFileThatIsNotThereIsToldByItsPath() {
        #expect { try SettingOptions.parse(["--config", "/nowhere.yaml"]).load() } throws: { "\($0)".contains("/nowhere.yaml") }
    }
}

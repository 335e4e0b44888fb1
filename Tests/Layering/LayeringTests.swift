import Testing

/// The architecture's rules, held against the sources as they are.
struct LayeringTests {
    @Test func everyTargetImportsOnlyWhatItsRoomMay() throws {
        let rules = ImportRules(rooms: try Repository.rooms())
        for file in try Repository.swiftFiles() where file.path[0] == "Sources" {
            // Sources/<room>/<target>/…; Sources/Web is a target by itself.
            let target = file.path.count > 3 ? file.path[2] : file.path[1]
            for item in Import.all(in: file.source) {
                let objection = rules.objection(to: item, in: target, of: file.path[1])
                #expect(objection == nil, "\(file.name):\(item.line)")
            }
        }
    }

    @Test func testsImportOnlyTheirTargetAndWhatItMay() throws {
        let rules = ImportRules(rooms: try Repository.rooms())
        for file in try Repository.swiftFiles() where file.path[0] == "Tests" && file.path.count > 3 && file.path[2].hasSuffix("Tests") {
            for item in Import.all(in: file.source) {
                let objection = rules.objectionInTests(to: item, of: String(file.path[2].dropLast("Tests".count)), in: file.path[1])
                #expect(objection == nil, "\(file.name):\(item.line)")
            }
        }
    }

    @Test func everyFileKeepsItsBudgets() throws {
        for file in try Repository.swiftFiles() {
            let excesses = Budgets.excesses(in: file.source)
            #expect(excesses.isEmpty, "\(file.name): \(excesses.joined(separator: "; "))")
        }
    }

    @Test func theScanSeesTheTree() throws {
        let files = try Repository.swiftFiles()
        let own = try #require(files.first { $0.path == ["Tests", "Layering", "LayeringTests.swift"] })
        #expect(Import.all(in: own.source) == [Import(module: "Testing", access: "internal", line: 1)])
        #expect(Declarations(of: own.source).functions.contains { $0.name == "theScanSeesTheTree" })
        #expect(Set(files.filter { $0.path[0] == "Sources" }.map { $0.path[1] }).isSuperset(of: ["App", "Bindings", "Core", "Planes"]))
    }

    @Test func theTopLevelHoldsNothingElse() throws {
        let allowed: Set<String> = [
            "Package.swift", "Sources", "Tests", "signaling", "configs", "docker", "README.md", "Makefile", "CHANGELOG.md",
            "CONTRIBUTING.md",
            "Package.resolved",  // what SwiftPM chose; not in the repository
            "data",  // where `make run` puts recordings; not in the repository
        ]
        #expect(try Repository.topLevelNames().filter { !allowed.contains($0) } == [])
    }
}

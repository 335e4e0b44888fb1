import BridgeAPI
import Foundation
import HTTPCore
import HTTPTypes
import Testing

@Suite struct ContractTests {
    @Test func theContractNamesEveryRouteAndNoOther() throws {
        let routes = Set(Stage().api.routes.map { "\($0.method.rawValue) \($0.path)" })
        #expect(try Self.operations(in: "bridge.openapi.yaml") == routes)
    }

    /// `METHOD /path` of every operation in an OpenAPI file: paths stand at two spaces, methods at four.
    static func operations(in name: String) throws -> Set<String> {
        let file = URL(filePath: #filePath).appending(path: "../../../../signaling/http/\(name)").standardized
        var result: Set<String> = []
        var path = ""
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("components:") { break }
            let words = line.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("  /") { path = String(words.dropLast()) }
            let method = words.dropLast().uppercased()
            let isMethod = line.hasPrefix("    ") && !line.hasPrefix("     ") && ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(method)
            if isMethod { result.insert("\(method) \(path)") }
        }
        return result
    }
}

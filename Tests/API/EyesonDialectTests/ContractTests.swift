import BridgeModel
import Foundation
import HTTPCore
import HTTPTypes
import Testing

@testable import EyesonDialect

@Suite struct ContractTests {
    @Test func theContractNamesEveryRouteAndNoOther() throws {
        let routes = Set(Stage().dialect.routes.map { "\($0.method.rawValue) \($0.path)" })
        #expect(try Self.operations(in: "eyeson.openapi.yaml") == routes)
    }

    @Test func theContractNamesEveryErrorWithItsStatus() throws {
        let file = try JSONValue.read(Data(contentsOf: Self.contract.appending(path: "errors.json")))
        guard case .object(let errors)? = file["rest"] else { throw EyesonError(.notFound, "errors.json has no rest") }
        let ours = EyesonError.Code.allCases.map { ($0.rawValue, Int($0.status.code)) }
        #expect(errors.compactMapValues { $0["status"]?.integer } == Dictionary(uniqueKeysWithValues: ours))
    }

    private static let contract = URL(filePath: #filePath).appending(path: "../../../../signaling").standardized

    /// `METHOD /path` of every operation in an OpenAPI file: paths stand at two spaces, methods at four.
    private static func operations(in name: String) throws -> Set<String> {
        let file = Self.contract.appending(path: "http/\(name)")
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

import BridgeModel
import HTTPCore
import HTTPTypes
import Testing

/// A dialect with three routes and visible manners.
private struct SampleGroup: RouteGroup {
    var routes: [Route] {
        [
            Route(.get, "/sample/things/{id}") { .text(.ok, "thing \($0.parameters["id"] ?? "")") },
            Route(.post, "/sample/things/{id}") { _ in .text(.created, "made") },
            Route(.get, "/sample/file") { _ in APIResponse(status: .ok, body: .file(path: "/f")) },
        ]
    }

    func owns(_ segments: [String]) -> Bool { segments.first == "sample" }

    func refuse(_ refusal: RouteRefusal, of request: APIRequest) -> APIResponse {
        switch refusal {
        case .notFound: .text(.notFound, "none")
        case .methodNotAllowed(let allowed):
            APIResponse.text(.methodNotAllowed, "no").with(.allow, allowed.map(\.rawValue).joined(separator: ", "))
        }
    }

    func preflight(_ request: APIRequest) -> APIResponse? {
        request.head.headerFields[.origin] == nil ? nil : APIResponse(status: .noContent)
    }

    func finish(_ response: APIResponse, to request: APIRequest) -> APIResponse { response.with(.requestID, request.requestID) }
}

@Suite struct RouterTests {
    private let router = Router([SampleGroup()])

    private func reply(_ method: HTTPRequest.Method, _ path: String, fields: HTTPFields = [:]) async throws -> APIResponse {
        try #require(await router.respond(to: request(method, path, fields: fields)))
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/sample/things/7", 200, "thing 7"), (.get, "/sample/things/7/", 200, "thing 7"),
        (.get, "/sample/things/a%2Fb", 200, "thing a/b"), (.post, "/sample/things/7", 201, "made"), (.get, "/sample", 404, "none"),
        (.get, "/sample/things", 404, "none"), (.get, "/sample/things/7/8", 404, "none"), (.get, "/sample/things/%", 404, "none"),
        (.get, "/sample/things//", 404, "none"), (.delete, "/sample/things/7", 405, "no"), (.options, "/sample/things/7", 405, "no"),
    ]) func pathsFindTheirOperation(_ method: HTTPRequest.Method, _ path: String, _ status: Int, _ text: String) async throws {
        let response = try await reply(method, path)
        #expect(response.head.status.code == status)
        #expect(response.body == .bytes(Array(text.utf8)))
        #expect(response.head.headerFields[.requestID] == "r-1")
    }

    @Test func otherMethodsAreToldWhichThereAre() async throws {
        #expect(try await reply(.put, "/sample/things/7").head.headerFields[.allow] == "GET, HEAD, POST")
    }

    @Test func headIsAnsweredAsGetForTheFrontDoorToCutTheBodyOff() async throws {
        let response = try await reply(.head, "/sample/things/7")
        #expect(response.head.status == .ok && response.body == .bytes(Array("thing 7".utf8)))
        #expect(try await reply(.head, "/sample/file").body == .file(path: "/f"))
    }

    @Test func preflightsOfKnownPathsAreAnsweredByTheDialect() async throws {
        #expect(try await reply(.options, "/sample/file", fields: [.origin: "https://x"]).head.status == .noContent)
        #expect(try await reply(.options, "/sample/unknown", fields: [.origin: "https://x"]).head.status == .notFound)
    }

    @Test(arguments: ["/", "/other", "*", "/samples", "/%"]) func pathsOfNobodyAreLeftToTheCaller(_ path: String) async {
        #expect(await router.respond(to: request(.get, path)) == nil)
    }

    @Test(arguments: BridgeError.Code.allCases) func everyBridgeErrorIsAProblem(_ code: BridgeError.Code) {
        let problem = Problem(BridgeError(code, "What happened."))
        #expect(problem.code == code.rawValue)
        #expect((400...599).contains(problem.status.code))
        let response = problem.response(requestID: "r-9")
        #expect(response.head.headerFields[.contentType] == "application/problem+json")
        #expect((problem.retryAfter != nil) == (response.head.headerFields[.retryAfter] != nil))
    }

    @Test func problemsAreWrittenWithCodeFieldAndRequest() {
        let response = Problem(.badRequest, "invalid_field", "x must be y", field: "x").response(requestID: "r-9")
        let text =
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"code\":\"invalid_field\",\"detail\":\"x must be y\",\"field\":\"x\",\"request_id\":\"r-9\"}"
        #expect(response.body == .bytes(Array(text.utf8)))
    }
}

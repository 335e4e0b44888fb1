package import HTTPTypes

/// One operation: a method, a path and what is done.
package struct Route: Sendable {
    /// Does the operation; failures are replies too.
    package typealias Handler = @Sendable (APIRequest) async -> APIResponse

    /// GET stands for HEAD as well.
    package let method: HTTPRequest.Method
    /// The pattern as it was given.
    package let path: String
    let pattern: [Segment]
    let handler: Handler

    enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
    }

    /// `pattern` is a path whose `{name}` segments match any one segment, for instance `/streams/{id}`.
    package init(_ method: HTTPRequest.Method, _ pattern: String, handler: @escaping Handler) {
        self.method = method
        path = pattern
        self.pattern = pattern.split(separator: "/").map { part in
            part.hasPrefix("{") && part.hasSuffix("}") ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
        self.handler = handler
    }

    /// The parameters when the path is this route's; nil otherwise.
    func match(_ segments: [String]) -> [String: String]? {
        guard segments.count == pattern.count else { return nil }
        var parameters: [String: String] = [:]
        for (segment, part) in zip(segments, pattern) {
            switch part {
            case .literal(let text): guard text == segment else { return nil }
            case .parameter(let name): parameters[name] = segment
            }
        }
        return parameters
    }
}

/// Why the router itself answers.
package enum RouteRefusal: Sendable, Equatable {
    case notFound
    /// Known path, other method; what the `Allow` field names.
    case methodNotAllowed(allowed: [HTTPRequest.Method])
}

/// A dialect's routes with its manners: how it says no, and what stands on each of its replies.
package protocol RouteGroup: Sendable {
    /// Every operation of the dialect.
    var routes: [Route] { get }
    /// True when every path that begins with these segments is this dialect's, known or not.
    func owns(_ segments: [String]) -> Bool
    /// The router's own refusals in the dialect's words.
    func refuse(_ refusal: RouteRefusal, of request: APIRequest) -> APIResponse
    /// The answer to a CORS preflight of a known path; nil where the dialect has none.
    func preflight(_ request: APIRequest) -> APIResponse?
    /// Adds what all replies carry.
    func finish(_ response: APIResponse, to request: APIRequest) -> APIResponse
}

/// Finds the operation of a request. Immutable; its groups are asked in order. HEAD is answered as GET: the front door, which frames the
/// body, sends its length alone.
package struct Router: Sendable {
    /// A group with its routes, which are made once.
    private struct Entry {
        let group: any RouteGroup
        let routes: [Route]
    }

    private let entries: [Entry]

    package init(_ groups: [any RouteGroup]) {
        entries = groups.map { Entry(group: $0, routes: $0.routes) }
    }

    /// The reply; nil when no group owns the path. A trailing slash does not matter.
    package func respond(to request: APIRequest) async -> APIResponse? {
        guard let segments = request.segments else {
            // Not decodable, so nobody's; the owner by its first segments still says so in its own words.
            guard let group = owner(of: Self.plainSegments(request))?.group else { return nil }
            return group.finish(group.refuse(.notFound, of: request), to: request)
        }
        guard let owner = owner(of: segments) else { return nil }
        return owner.group.finish(await answer(request, segments, in: owner), to: request)
    }

    private func owner(of segments: [String]) -> Entry? {
        entries.first { $0.group.owns(segments) }
    }

    private func answer(_ request: APIRequest, _ segments: [String], in owner: Entry) async -> APIResponse {
        let group = owner.group
        let matches = owner.routes.compactMap { route in route.match(segments).map { (route: route, parameters: $0) } }
        guard !matches.isEmpty else { return group.refuse(.notFound, of: request) }
        if request.head.method == .options, let reply = group.preflight(request) { return reply }
        let method = request.head.method == .head ? .get : request.head.method
        guard let match = matches.first(where: { $0.route.method == method }) else {
            let allowed = matches.flatMap { $0.route.method == .get ? [.get, .head] : [$0.route.method] }
            return group.refuse(.methodNotAllowed(allowed: allowed), of: request)
        }
        var routed = request
        routed.parameters = match.parameters
        return await match.route.handler(routed)
    }

    private static func plainSegments(_ request: APIRequest) -> [String] {
        (request.head.path ?? "").prefix { $0 != "?" }.split(separator: "/").map(String.init)
    }
}

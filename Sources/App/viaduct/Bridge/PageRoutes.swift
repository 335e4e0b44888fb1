import HTTPCore
import HTTPTypes
import Web

/// The pages for people, and the files that they load.
struct PageRoutes: RouteGroup {
    /// Further routes of the program, for instance the demo's receiver.
    let extra: [Route]

    var routes: [Route] {
        [
            Route(.get, "/") { _ in Self.page(.index) }, Route(.get, "/watch/{stream}") { _ in Self.page(.watch) },
            Route(.get, "/publish/{stream}") { _ in Self.page(.publish) },
            Route(.get, "/playback/{stream}") { _ in Self.page(.playback) }, Route(.get, "/call/{room}") { _ in Self.page(.call) },
            Route(.get, "/assets/{file}") { request in Self.asset(request.parameters["file"] ?? "") },
        ] + extra
    }

    /// Everything that no other group owns.
    func owns(_ segments: [String]) -> Bool { true }

    func refuse(_ refusal: RouteRefusal, of request: APIRequest) -> APIResponse {
        switch refusal {
        case .notFound: return Self.notFound
        case .methodNotAllowed(let allowed):
            return APIResponse.text(.methodNotAllowed, "This page is only read.\n")
                .with(.allow, allowed.map(\.rawValue).joined(separator: ", "))
        }
    }

    func preflight(_ request: APIRequest) -> APIResponse? { nil }

    func finish(_ response: APIResponse, to request: APIRequest) -> APIResponse { response.with(.requestID, request.requestID) }

    static let notFound = APIResponse.text(.notFound, "There is nothing here.\n")

    /// Scripts and styles are ours alone; sockets may lead to `http.public-base`. Links carry tokens in their fragment, so no referrer.
    private static let policy =
        "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob: mediastream:; img-src 'self' data: blob:; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

    private static func page(_ page: WebPages.Page) -> APIResponse {
        guard let path = WebPages.path(of: page) else { return missingResources }
        let fields: HTTPFields = [.contentType: "text/html; charset=utf-8", .cacheControl: "no-cache"]
        return APIResponse(status: .ok, fields: fields, body: .file(path: path))
            .with(.contentSecurityPolicy, policy).with(.referrerPolicy, "no-referrer").with(.xContentTypeOptions, "nosniff")
    }

    private static func asset(_ name: String) -> APIResponse {
        guard let path = WebPages.path(ofAsset: name) else { return notFound }
        let type = name.hasSuffix(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8"
        return APIResponse(status: .ok, fields: [.contentType: type, .cacheControl: "no-cache"], body: .file(path: path))
            .with(.xContentTypeOptions, "nosniff")
    }

    private static let missingResources = APIResponse.text(
        .internalServerError, "The pages are not beside the program: install viaduct_Web.resources with it.\n")
}

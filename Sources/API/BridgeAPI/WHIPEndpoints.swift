import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import SDP

/// `/whip/{stream}` and `/whep/{stream}`: where sessions begin.
struct WHIPEndpoints: Sendable {
    let access: WHIPAccess
    let sessions: any WHIPSessions
    let iceServers: IceServerList
    let clock: BridgeClock
    let addresses: WHIPAddresses

    /// `POST`: an SDP offer becomes a session (RFC 9725 section 4.2, draft-ietf-wish-whep section 4.2). To a viewer's offer that
    /// cannot be accepted the reply is 406 with an offer of the bridge, where its engine makes any, and 422 otherwise.
    @Sendable func create(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.grant(request, at: clock.wall())
        let (direction, stream) = try access.target(request)
        guard MediaType.sdp.isAccepted(by: request.head.headerFields[.accept]) else {
            throw Problem(.notAcceptable, "not_acceptable", "The answer is application/sdp, which the Accept field excludes.")
        }
        let offer: String
        do throws(WHIPBodyRefusal) {
            offer = try await request.text(of: .sdp, upTo: SessionDescription.Limits.bytes, accepts: .acceptPost)
        } catch {
            return error.response(requestID: request.requestID)
        }
        do throws(WHIPError) {
            return created(try await sessions.create(WHIPOrder(grant: grant, direction: direction, stream: stream, offer: offer)))
        } catch {
            throw Problem(error)
        }
    }

    /// `GET`: there is nothing to represent, so that nothing is told, whether the stream is there or not (RFC 9725 section 4.1).
    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        _ = try access.target(request)
        return APIResponse(status: .noContent).with(.acceptPost, MediaType.sdp.name)
    }

    private func created(_ answer: WHIPAnswer) -> APIResponse {
        guard !answer.isCounterOffer else { return counterOffer(answer) }
        let fields: HTTPFields = [
            .contentType: MediaType.sdp.name, .location: addresses.session(answer.context), .eTag: answer.tag.field,
            .acceptPatch: MediaType.sdpFragment.name,
        ]
        var response = APIResponse(status: .created, fields: fields, body: .bytes(Array(answer.sdp.utf8)))
        for link in links(answer.context) { response.head.headerFields.append(HTTPField(name: .links, value: link)) }
        return response
    }

    /// The offer is valid for 30 s, as every one that does not say otherwise (draft-ietf-wish-whep section 4.2). Its ICE session has a tag when it is
    /// answered.
    private func counterOffer(_ answer: WHIPAnswer) -> APIResponse {
        let fields: HTTPFields = [
            .contentType: MediaType.sdp.name, .location: addresses.session(answer.context), .acceptPatch: MediaType.sdp.name,
        ]
        var response = APIResponse(status: .notAcceptable, fields: fields, body: .bytes(Array(answer.sdp.utf8)))
        for link in links(answer.context) { response.head.headerFields.append(HTTPField(name: .links, value: link)) }
        return response
    }

    /// ICE servers (RFC 9725 section 4.6), and the extensions of a viewer's session (draft-ietf-wish-whep section 4.9).
    private func links(_ context: SessionContext) -> [String] {
        let servers = iceServers.servers(for: context.client, at: clock.wall()).flatMap(\.links)
        guard context.direction == .watch else { return servers }
        let kinds = WHEPEvent.Kind.allCases.map(\.rawValue).joined(separator: ",")
        return servers + [
            "<\(addresses.session(context, "/sse"))>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; events=\"\(kinds)\"",
            "<\(addresses.session(context, "/layer"))>; rel=\"urn:ietf:params:whep:ext:core:layer\"",
        ]
    }
}

extension IceServer {
    /// One `Link` a URL.
    fileprivate var links: [String] {
        urls.map { url in
            let link = "<\(url)>; rel=\"ice-server\""
            guard !username.isEmpty else { return link }
            return link
                + "; username=\(Self.quoted(username)); credential=\(Self.quoted(credential.revealed)); credential-type=\"password\""
        }
    }

    /// RFC 9110 section 5.6.4.
    private static func quoted(_ text: String) -> String {
        "\"" + text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] } + "\""
    }
}

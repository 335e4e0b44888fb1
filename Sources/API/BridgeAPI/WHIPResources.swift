import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import SDP

/// `/whip/{stream}/{session}` and `/whep/{stream}/{session}`: sessions that are there.
struct WHIPResources: Sendable {
    let access: WHIPAccess
    let sessions: any WHIPSessions

    /// `PATCH`: candidates, or another ICE session (RFC 9725 section 4.3); of a session that the bridge has made an offer for, its answer
    /// (draft-ietf-wish-whep section 4.2).
    @Sendable func patch(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let session = try await access.session(request)
        guard !session.isOver else { throw .noSuchSession }
        let text: String
        do throws(WHIPBodyRefusal) {
            text = try await request.text(
                of: session.awaitsAnswer ? .sdp : .sdpFragment,
                upTo: session.awaitsAnswer ? SessionDescription.Limits.bytes : TrickleFragment.Limits.bytes, accepts: .acceptPatch)
        } catch {
            return error.response(requestID: request.requestID)
        }
        guard !session.awaitsAnswer else { return try await patch(session, .answer(text), if: .absent) }
        guard let condition = EntityTagCondition(request.head.headerFields) else {
            throw Problem(.badRequest, "invalid_field", "If-Match is neither * nor a list of entity-tags.", field: "if-match")
        }
        return try await patch(session, .ice(Self.change(text)), if: condition)
    }

    private func patch(
        _ session: WHIPSessionSummary, _ change: WHIPChange, if condition: EntityTagCondition
    ) async throws(Problem) -> APIResponse {
        do throws(WHIPError) {
            return Self.response(to: try await sessions.patch(session.context.session, change, if: condition))
        } catch {
            throw Problem(error)
        }
    }

    private static func change(_ text: String) throws(Problem) -> IceChange {
        do throws(SDPError) {
            let fragment = try TrickleFragment.parse(text)
            return IceChange(credentials: fragment.credentials, candidates: fragment.candidates)
        } catch {
            throw Problem(.malformed(error.description))
        }
    }

    /// Candidates change nothing that has a tag: 204 without one; a restart tells ours and the new tag, an answer the first.
    private static func response(to outcome: WHIPPatchOutcome) -> APIResponse {
        switch outcome {
        case .trickled: return APIResponse(status: .noContent)
        case .accepted(let tag):
            return APIResponse(status: .noContent, fields: [.eTag: tag.field]).with(.acceptPatch, MediaType.sdpFragment.name)
        case .restarted(let answer, let tag):
            let section = TrickleFragment.Section(mid: nil, candidates: answer.candidates, isEnd: true)
            let fragment = TrickleFragment(credentials: answer.credentials, isLite: answer.isLite, sections: [section])
            return APIResponse(
                status: .ok, fields: [.contentType: MediaType.sdpFragment.name, .eTag: tag.field],
                body: .bytes(Array(fragment.print().utf8)))
        }
    }

    /// `DELETE`: ends the session; once more changes nothing. Entity-tags do not matter here (RFC 9725 section 4.3.1).
    @Sendable func end(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let session = try await access.session(request)
        do throws(WHIPError) {
            try await sessions.end(session.context.session)
        } catch {
            throw Problem(error)
        }
        return APIResponse(status: .ok)
    }

    /// `GET`: there is nothing to represent (RFC 9725 section 4.1).
    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let session = try await access.session(request)
        guard !session.isOver else { throw .noSuchSession }
        return APIResponse(status: .noContent).with(.acceptPatch, (session.awaitsAnswer ? MediaType.sdp : .sdpFragment).name)
    }
}

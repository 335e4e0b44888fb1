import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// `POST /streams/{stream}/footage`: what a camera recorded while it was not connected, piece by piece.
struct FootageOperations: Sendable {
    let access: NativeAccess
    let footage: any FootageCommands

    @Sendable func take(_ request: APIRequest) async throws(Problem) -> APIResponse {
        guard let stream = StreamID(named: request.parameters["stream"] ?? "") else { throw .noSuchPath }
        guard let grant = try await access.grant(request) else { throw .token(.missing) }
        try access.check(grant, .publish, stream)
        let sha256 = request.query["sha256"] ?? ""
        guard sha256.utf8.count == 64, sha256.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
            throw .invalidField("sha256", "64 digits of lower-case hexadecimal")
        }
        let size = try Self.number(request, "size", in: 1...FootagePiece.largestFile)
        let offset = try Self.number(request, "offset", in: 0...size)
        let context = SessionContext(
            session: SessionID("footage-\(sha256.prefix(16))"), account: grant.account, client: grant.client, stream: stream,
            direction: .publish)
        let piece = FootagePiece(context: context, sha256: sha256, size: size, offset: offset, bytes: try await Self.bytes(request))
        do throws(BridgeError) {
            switch try await footage.take(piece) {
            case .wants(let from): return .json(.accepted, .object([.init("received", .integer(from)), .init("recording", .null)]))
            case .recorded(let id, let isNew):
                let document = JSONText.object([.init("received", .integer(size)), .init("recording", .string(id.rawValue))])
                return .json(isNew ? .created : .ok, document)
            }
        } catch {
            throw Problem(error)
        }
    }

    private static func number(_ request: APIRequest, _ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64 {
        guard let number = WholeNumber.read(request.query[name] ?? "", in: range) else {
            throw .invalidField(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func bytes(_ request: APIRequest) async throws(Problem) -> [UInt8] {
        do throws(APIBodyError) {
            return try await request.body(upTo: FootagePiece.largestPiece)
        } catch {
            throw error == .tooLarge
                ? Problem(.contentTooLarge, "body_too_large", "A piece is longer than \(FootagePiece.largestPiece) bytes.")
                : Problem(.badRequest, "invalid_field", "The body broke off; send the piece again.")
        }
    }
}

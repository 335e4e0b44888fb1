import Bridge
import BridgeModel
import Foundation
import Testing

@testable import DeliveryPlane

/// What a store says of an object is held against the file that was recorded. The store plays a script.
@Suite(.timeLimit(.minutes(1))) struct CopyInspectionTests {
    private static let mebibyte = 1 << 20
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func finding(
        _ content: Data, _ script: [TestServer.Behaviour]
    ) async throws -> (finding: CopyFinding, calls: [String]) {
        let server = try TestServer { place in script.indices.contains(place) ? script[place] : .reply(599) }
        let destination = Destination.s3(
            S3Destination(
                endpoint: server.url(""), region: "us-east-1", bucket: "films", key: try KeyTemplate(parsing: "{id}"),
                credentials: .init(accessKey: "AK", secretKey: Redacted("SK"))))
        var segment = SegmentRow(
            recording: RecordingID("r1"), number: 1, stream: StreamID("client-0"), container: .webm, file: "r1.webm", state: .delivered)
        segment.sizeBytes = Int64(content.count)
        segment.sha256 = FileDigest(of: Array(content)).sha256
        let copy = DeliveredCopy(file: "r1.webm", destination: destination)
        let found = try await routes(folder, limit: .seconds(10)).uploads.inspect(
            copy, of: Rows.recording(destination: destination), against: segment, progress: { _ in })
        return (found, server.received.map { String($0.line.prefix { $0 != " " }) })
    }

    private func head(_ size: Int, _ tag: String, _ more: String = "") -> TestServer.Behaviour {
        .raw("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\netag: \"\(tag)\"\r\n\(more)connection: close\r\n\r\n")
    }

    private func tag(ofParts content: Data) throws -> String {
        let parts = (1...PartLayout.count(size: Int64(content.count))).map { number in
            let range = PartLayout.range(of: number, size: Int64(content.count))
            return FileDigest(of: Array(content[Int(range.lowerBound)..<Int(range.upperBound)])).md5Text
        }
        return try #require(FileDigest.entityTag(ofParts: parts))
    }

    @Test func theTagOfPartsProvesAnObjectThatNobodyReads() async throws {
        let content = try folder.spoolFile("r1.webm", length: 17 * Self.mebibyte)
        let tag = try tag(ofParts: content)
        #expect(tag.hasSuffix("-3"))
        let found = try await finding(content, [head(content.count, tag)])
        #expect(found.finding == .present && found.calls == ["HEAD"])
    }

    @Test(arguments: [true, false]) func anObjectWithAnotherTagIsRead(isRight: Bool) async throws {
        let content = try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        var wrong = content
        wrong[content.count / 2] ^= 1
        let body = String(repeating: "a", count: content.count)
        // Whoever wrote another byte, or cut the parts elsewhere: the store's tag is not ours. The script cannot send bytes that are no text.
        let found = try await finding(
            isRight ? Data(body.utf8) : content, [head(content.count, try tag(ofParts: wrong)), .reply(200, body: body)])
        #expect(found.finding == (isRight ? .present : .wrongContent) && found.calls == ["HEAD", "GET"])
    }

    @Test func aTagOfAKeyServiceProvesNothing() async throws {
        let content = try folder.spoolFile("r1.webm", length: 1000)
        let tag = FileDigest(of: Array(content)).md5Text
        let found = try await finding(
            content,
            [head(1000, tag, "x-amz-server-side-encryption: aws:kms\r\n"), .reply(200, body: String(repeating: "a", count: 1000))])
        #expect(found.finding == .wrongContent && found.calls == ["HEAD", "GET"])
    }

    @Test func aFileThatHasChangedHereProvesNothing() async throws {
        let content = try folder.spoolFile("r1.webm", length: 1000)
        var recorded = content
        recorded[500] ^= 1
        let tag = FileDigest(of: Array(content)).md5Text
        let found = try await finding(recorded, [head(1000, tag), .reply(200, body: String(repeating: "a", count: 1000))])
        #expect(found.finding == .wrongContent && found.calls == ["HEAD", "GET"])
    }

    @Test func whatIsMissingTooLongOrCutOffIsSaid() async throws {
        let content = try folder.spoolFile("r1.webm", length: 1000)
        #expect(try await finding(content, [.reply(404)]).finding == .missing)
        #expect(try await finding(content, [head(999, "x")]).finding == .wrongSize(999))
        let longer = TestServer.Behaviour.reply(200, body: String(repeating: "a", count: 1001))
        #expect(try await finding(content, [head(1000, "x"), longer]).finding == .wrongContent)
        #expect(try await finding(content, [head(1000, "x"), .reply(200, body: "a")]).finding == .wrongSize(1))
        #expect(try await finding(content, [head(1000, "x"), .lie(10)]).finding.isUnknown)
        #expect(try await finding(content, [head(1000, "x"), .reply(404)]).finding == .missing)
        #expect(try await finding(content, [.reply(403)]).finding.isUnknown)
    }
}

extension CopyFinding {
    fileprivate var isUnknown: Bool {
        guard case .unknown = self else { return false }
        return true
    }
}

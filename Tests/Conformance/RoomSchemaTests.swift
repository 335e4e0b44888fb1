import Bridge
import BridgeModel
import Foundation
import Signaling
import Testing

/// The schemas of rooms have the words that the code has.
@Suite struct RoomSchemaTests {
    private static let folder = Transcript.contract.appending(path: "schemas/rooms")

    private static func words(_ file: String, _ path: String...) throws -> Set<String> {
        var value = try JSONValue.read(Data(contentsOf: folder.appending(path: file)))
        for name in path {
            guard let member = value[name] else { throw BridgeError(.notFound, "\(file) has no \(name)") }
            value = member
        }
        guard case .array(let items) = value else { throw BridgeError(.invalidField, "\(file) has no list there") }
        return Set(items.compactMap(\.string))
    }

    @Test func whatTheBridgeTakes() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path())
        let types = files.filter { $0.hasPrefix("client.") }.map { $0.dropFirst("client.".count).dropLast(".json".count) }
        #expect(Set(types.map(String.init)) == Set(RoomFrame.Kind.allCases.map(\.rawValue)))
    }

    @Test func whoAndWhat() throws {
        #expect(try Self.words("common.json", "$defs", "role", "enum") == Set(RoomRole.allCases.map(\.rawValue)))
        #expect(try Self.words("common.json", "$defs", "kind", "enum") == Set(RoomTrackKind.allCases.map(\.rawValue)))
        #expect(try Self.words("common.json", "$defs", "peer", "enum") == Set(RoomPeerKind.allCases.map(\.rawValue)))
    }

    @Test func howThingsAreAndEnd() throws {
        let data = ["properties", "data", "properties"]
        func ends(_ type: String, _ member: String) throws -> Set<String> {
            try Self.words("server.\(type).json", data[0], data[1], data[2], member, "enum")
        }
        #expect(try ends("left", "cause") == Set(Departure.allCases.map(\.rawValue)))
        #expect(try ends("ended", "cause") == Set(RoomEnd.allCases.map(\.rawValue)))
        #expect(try ends("unseated", "cause") == Set(RoomSeat.End.allCases.map(\.rawValue)))
        #expect(try ends("peer_state", "state") == Set(RoomPeerState.allCases.map(\.rawValue)))
        let seat = try Self.words("common.json", "$defs", "seat", "properties", "state", "enum")
        #expect(seat == Set(RoomSeat.State.allCases.map(\.rawValue)))
    }
}

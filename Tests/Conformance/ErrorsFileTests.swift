import Bridge
import BridgeModel
import Foundation
import Signaling
import Testing

/// `signaling/errors.json` says the same codes as the code does.
@Suite struct ErrorsFileTests {
    private func section(_ name: String) throws -> [String: JSONValue] {
        let bytes = try Data(contentsOf: Transcript.contract.appending(path: "errors.json"))
        let file = try JSONValue.read(bytes)
        guard case .object(let members)? = file[name] else { throw BridgeError(.notFound, "errors.json has no \(name)") }
        return members
    }

    @Test func bridgeCodes() throws {
        #expect(try Set(section("bridge").keys) == Set(BridgeError.Code.allCases.map(\.rawValue)))
    }

    @Test func rtmCodes() throws {
        #expect(try Set(section("rtm").keys) == Set(RTMError.Code.allCases.map(\.rawValue)))
    }

    @Test func roomCodes() throws {
        #expect(try Set(section("room").keys) == Set(RoomError.Code.allCases.map(\.rawValue)))
    }

    @Test func closeCodes() throws {
        #expect(try Set(section("close").keys) == Set(CloseCode.allCases.map { String($0.rawValue) }))
    }

    @Test func terminationCauses() throws {
        #expect(try Set(section("termination_cause").keys) == Set(TerminationCause.allCases.map(\.rawValue)))
    }

    @Test func recordingStates() throws {
        #expect(try Set(section("recording_state").keys) == Set(RecordingState.allCases.map(\.signalingName)))
    }

    @Test func everyCodeIsExplained() throws {
        for name in ["bridge", "rtm", "close", "termination_cause", "recording_state", "room", "native", "whip", "rest"] {
            for (code, entry) in try section(name) {
                let text = entry.string ?? entry["meaning"]?.string ?? ""
                #expect(!text.isEmpty, "\(name) \(code)")
            }
        }
    }
}

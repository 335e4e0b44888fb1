import Bridge
import BridgeModel
import CameraPlane
import Foundation

/// What the demo tells the person at its terminal.
enum DemoTerminal {
    /// Unbuffered: a pipe sees each line at once, too.
    static func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    static func show(_ report: CameraAgent.Report) {
        switch report {
        case .live: say("Camera: live")
        case .recording(.recording, let id): say("Recording: \(id) runs")
        case .recording(.delivered, let id): say("Recording: \(id) is delivered")
        case .recording(.failed, let id): say("Recording: \(id) could not be delivered")
        case .recording: break
        case .interrupted(let error): say("Camera: \(error.message); it tries again")
        }
    }
}

import ArgumentParser
import LinuxIO

/// The program of the operator.
@main
struct Viaduct: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "viaduct",
        abstract: "Joins cameras to viewers, records them without loss and delivers the recordings to your own place.",
        subcommands: [
            ServeCommand.self, DemoCommand.self, CameraCommand.self, KeysCommand.self, TokenCommand.self, RecordCommand.self,
            DoctorCommand.self, LoadCommand.self,
        ])
}

/// What the operator has to correct; printed as one line.
struct OperatorError: Error, CustomStringConvertible {
    let description: String

    init(_ description: some CustomStringConvertible) { self.description = String(describing: description) }
}

import ArgumentParser
import Bridge
import BridgeModel
import ControlPlane
import Foundation
import Logging
import RecordingPlane
import StoragePlane

/// `viaduct record`: the recordings of this machine's bridge, whether it runs or not.
struct RecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record", abstract: "Lists, checks, copies and redelivers recordings, beside a bridge that may be running.",
        subcommands: [List.self, Verify.self, Export.self, Redeliver.self])
}

/// The data folder as these commands use it: the ledger, and the spool that it is about.
struct RecordArchive {
    let database: StorageDatabase
    let ledger: SQLiteLedger
    let layout: SpoolLayout

    /// Opens what a bridge has made. Throws when there is nothing.
    init(_ settings: Settings) throws {
        guard FileManager.default.fileExists(atPath: settings.dataFolder + "/viaduct.db") else {
            throw OperatorError("There is no database in \(settings.dataFolder); set data.folder to that of the bridge.")
        }
        do throws(BridgeError) {
            database = try StorageDatabase(dataFolder: settings.dataFolder)
        } catch {
            throw OperatorError(error.message)
        }
        ledger = SQLiteLedger(database, logger: Logger(label: "storage"))
        layout = SpoolLayout(folder: settings.dataFolder + "/spool")
    }

    /// Recordings that a filter lets through, newest first, with their segments.
    func recordings(_ filter: RecordFilter) async throws -> [(row: RecordingRow, segments: [SegmentRow])] {
        do throws(BridgeError) {
            var found: [(row: RecordingRow, segments: [SegmentRow])] = []
            var after: RecordingID?
            while true {
                let page = try await ledger.recentRecordings(limit: Self.page, after: after)
                for row in page where filter.accepts(row) { found.append((row, try await ledger.segments(of: row.id))) }
                guard page.count == Self.page else { return found }
                after = page.last?.id
            }
        } catch {
            throw OperatorError(error.message)
        }
    }

    /// One recording with its segments.
    func recording(_ id: String) async throws -> (row: RecordingRow, segments: [SegmentRow]) {
        do throws(BridgeError) {
            guard let row = try await ledger.recording(RecordingID(id)) else {
                throw BridgeError(.notFound, "There is no recording \(id); `viaduct record list` shows all.")
            }
            return (row, try await ledger.segments(of: row.id))
        } catch {
            throw OperatorError(error.message)
        }
    }

    private static let page = 500
}

/// Which recordings a command is about.
struct RecordFilter: ParsableArguments {
    @Option(help: "Only this stream's.")
    var stream: String?

    @Option(help: "Only those in this state: armed, recording, gap, closing, ready, uploading, delivered, failed.")
    var state: RecordingState?

    @Option(help: "Only those that began at this time or later, for instance 2026-03-01T09:00:00Z.")
    var from: Moment?

    @Option(help: "Only those that began before this time.")
    var to: Moment?

    func accepts(_ row: RecordingRow) -> Bool {
        if let stream, row.context.stream.rawValue != stream { return false }
        if let state, row.state != state { return false }
        if let from, row.startedAt < from.time { return false }
        if let to, row.startedAt >= to.time { return false }
        return true
    }

    /// A date as in RFC 3339.
    struct Moment: ExpressibleByArgument {
        let time: WallTime

        init?(argument: String) {
            guard let time = WallTime(dateTime: argument) else { return nil }
            self.time = time
        }
    }
}

extension RecordingState: ExpressibleByArgument {}

extension RecordCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists recordings, newest first.")

        @OptionGroup var filter: RecordFilter

        @Flag(help: "Prints one JSON object a line.")
        var json = false

        @OptionGroup var options: SettingOptions

        func run() async throws {
            let found = try await RecordArchive(try options.load()).recordings(filter)
            if json { return found.forEach { print(Self.document($0.row, $0.segments).text) } }
            print("ID                                    STATE      BEGAN                     SECONDS        BYTES  STREAM")
            for (row, segments) in found { print(Self.line(row, segments)) }
        }

        private static func line(_ row: RecordingRow, _ segments: [SegmentRow]) -> String {
            let seconds = row.durationMilliseconds.map { String($0 / 1000) } ?? "-"
            let bytes = row.sizeBytes.map { String($0) } ?? "-"
            let notes = (row.hold == nil ? "" : "  held") + (row.deletion.map { "  removal: \($0.step.rawValue)" } ?? "")
            return "\(row.id.rawValue.padded(36))  \(row.state.rawValue.padded(9))  \(row.startedAt.iso8601)  \(seconds.padded(-7))  "
                + "\(bytes.padded(-11))  \(row.context.stream.rawValue.onOneLine)\(notes)"
        }

        private static func document(_ row: RecordingRow, _ segments: [SegmentRow]) -> JSONText {
            .object([
                .init("id", .string(row.id.rawValue)), .init("stream", .string(row.context.stream.rawValue)),
                .init("state", .string(row.state.rawValue)), .init("started_at", .string(row.startedAt.iso8601)),
                .init("stopped_at", .optional(row.stoppedAt?.iso8601)), .init("duration_ms", .optional(row.durationMilliseconds)),
                .init("size_bytes", .optional(row.sizeBytes)), .init("destination", .string(row.destination.origin)),
                .init("held", .optional(row.hold?.reason)), .init("deletion", .optional(row.deletion?.step.rawValue)),
                .init(
                    "files",
                    .array(
                        segments.map { segment in
                            .object([
                                .init("file", .string(segment.file)), .init("state", .string(segment.state.rawValue)),
                                .init("size_bytes", .integer(segment.sizeBytes)), .init("sha256", .optional(segment.sha256)),
                            ])
                        })),
            ])
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copies a recording's files and their manifests into a folder, and checks the copies.")

        @Argument(help: "The recording's id.")
        var id: String

        @Argument(help: "Where to; made when it is not there.")
        var folder: String

        @OptionGroup var options: SettingOptions

        func run() async throws {
            let archive = try RecordArchive(try options.load())
            let (row, segments) = try await archive.recording(id)
            let files = segments.filter(\.state.hasFile)
            guard !files.isEmpty else { throw OperatorError("The recording \(id) has no file on the bridge (any more).") }
            for segment in files {
                do throws(BridgeError) {
                    try await RecordingInspection(archive.layout).export(segment, of: row, to: SettingOptions.absolute(folder))
                } catch {
                    throw OperatorError(error.message)
                }
                print("\(segment.file)  \(segment.sizeBytes)")
            }
        }
    }

    struct Redeliver: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends a recording again: a running bridge does so at once, another one at its start.")

        @Argument(help: "The recording's id.")
        var id: String

        @Option(help: "A destination's name; without it the recording goes where it was to go.")
        var destination: String?

        @OptionGroup var options: SettingOptions

        func validate() throws {
            guard destination.map({ DestinationName($0) != nil }) ?? true else {
                throw ValidationError("--destination must be 1 to 64 lower-case letters, digits, hyphens and underscores.")
            }
        }

        func run() async throws {
            let archive = try RecordArchive(try options.load())
            let name = destination.flatMap { DestinationName($0) }
            do throws(BridgeError) {
                let row = try await archive.keeper().redeliver(RecordingID(id), to: name, by: .commandLine)
                print("\(row.id) goes to \(row.destination.origin)")
            } catch {
                throw OperatorError(error.message)
            }
        }
    }
}

extension String {
    /// At least so wide; negative: to the right.
    fileprivate func padded(_ width: Int) -> String {
        let space = String(repeating: " ", count: max(0, abs(width) - count))
        return width < 0 ? space + self : self + space
    }

    /// A stream's name is somebody else's text: no terminal is to obey it.
    var onOneLine: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
    }
}

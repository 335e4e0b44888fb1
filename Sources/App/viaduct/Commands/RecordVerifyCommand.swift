import ArgumentParser
import Bridge
import BridgeModel
import ControlPlane
import DeliveryPlane
import Foundation
import RecordingPlane
import StoragePlane
import Synchronization

extension RecordCommand {
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads recordings again and compares them with the ledger; exits with 1 when anything is wrong.")

        @Argument(help: "Ids; without any, all that the filters let through.")
        var ids: [String] = []

        @OptionGroup var filter: RecordFilter

        @Flag(help: "Also compares what destinations have, which is read there unless an S3 store proves it; a plain URL cannot be asked.")
        var destination = false

        @OptionGroup var options: SettingOptions

        func run() async throws {
            let settings = try options.load()
            let archive = try RecordArchive(settings)
            let chosen = ids.isEmpty ? try await archive.recordings(filter) : try await archive.named(ids)
            let inspection = RecordingInspection(archive.layout)
            let routes = destination ? try archive.routes(settings) : nil
            var (faults, files) = (0, 0)
            for (row, segments) in chosen {
                for segment in segments {
                    var complaints = await inspection.complaints(about: segment)
                    if let routes { complaints += try await archive.complaints(of: routes, about: segment, of: row) }
                    if segment.state.hasFile { files += 1 }
                    faults += complaints.count
                    for complaint in complaints { print("\(segment.file): \(complaint)") }
                }
            }
            print("\(chosen.count) recordings, \(files) files on the bridge, \(faults) faults")
            if faults > 0 { throw ExitCode(1) }
        }
    }
}

extension RecordArchive {
    /// Those with these ids.
    fileprivate func named(_ ids: [String]) async throws -> [(row: RecordingRow, segments: [SegmentRow])] {
        var found: [(row: RecordingRow, segments: [SegmentRow])] = []
        for id in ids { found.append(try await recording(id)) }
        return found
    }

    /// Who asks destinations.
    fileprivate func routes(_ settings: Settings) throws -> UploadRoutes {
        let client = try EgressClient(
            rules: AddressRules(settings.webhooks), resolver: SystemNameResolver(), connectTimeout: settings.uploads.connectTimeout)
        return UploadRoutes(
            spoolFolder: layout.folder, client: client, ledger: ledger, settings: settings.uploads, clock: SystemOutboxClock())
    }

    /// What the destinations that took a file say of it now; what was removed there on purpose is no fault.
    fileprivate func complaints(of routes: UploadRoutes, about segment: SegmentRow, of row: RecordingRow) async throws -> [String] {
        guard row.deletion?.includesDestination != true else { return [] }
        do throws(BridgeError) {
            var complaints: [String] = []
            for copy in try await ledger.deliveredCopies(of: row.id) where copy.file == segment.file {
                let origin = copy.destination.origin
                let reading = ReadingProgress(segment, at: origin)
                switch await routes.inspect(copy, of: row, against: segment, progress: { reading.report($0) }) {
                case .present: break
                case .missing: complaints.append("it is missing at \(origin)")
                case .wrongSize(let size): complaints.append("it has \(size) bytes instead of \(segment.sizeBytes) at \(origin)")
                case .wrongContent: complaints.append("its content is another one at \(origin)")
                case .unknown(let reason):
                    // What cannot be asked is said, and is no fault.
                    if copy.destination.canRemove {
                        complaints.append("\(origin): \(reason)")
                    } else {
                        print("\(segment.file): \(origin): \(reason)")
                    }
                }
            }
            return complaints
        } catch {
            throw OperatorError(error.message)
        }
    }

    /// Decides as the bridge does; a bridge that runs hears of it by the ledger.
    func keeper() -> RecordingKeeper {
        let clock = BridgeClock(now: { MonotonicTime(nanoseconds: 0) }, wall: { SystemTime.wall }, sleep: { _ in })
        let nobody = Nobody()
        return RecordingKeeper(
            ledger: ledger, outbox: OutboxWriter(reporter: EventReporter(translators: []), clock: clock, service: nobody),
            destinations: SQLiteDestinationStore(database), deletions: nobody, configured: RetentionRule(), clock: clock)
    }
}

/// Says now and then how far a long copy has been read.
private final class ReadingProgress: Sendable {
    private static let interval = Duration.seconds(5)

    private let name: String
    private let total: Int64
    private let next = Mutex(ContinuousClock.now + ReadingProgress.interval)

    init(_ segment: SegmentRow, at origin: String) {
        name = "\(segment.file) at \(origin)"
        total = segment.sizeBytes
    }

    func report(_ count: Int64) {
        let isDue = next.withLock { next in
            guard ContinuousClock.now >= next else { return false }
            next = .now + Self.interval
            return true
        }
        guard isDue else { return }
        FileHandle.standardError.write(Data("\(name): \(count >> 20) of \(total >> 20) MiB read\n".utf8))
    }
}

/// The services of a command: what it orders is carried out by a bridge.
private struct Nobody: DeliveryService, DeletionService {
    func wake() {}
    func drain(limit: Duration) async -> Bool { true }
}

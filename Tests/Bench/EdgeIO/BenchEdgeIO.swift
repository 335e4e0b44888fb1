import Glibc

/// What a delivered packet costs the edge: `io` measures the sockets alone (the bare limit's sending half), `edge` a whole worker with DTLS peers.
///
/// `bench-edge-io [io|edge|all] [viewers] [seconds]`; the figures are of the sending thread alone, which has the first processor for itself. Each line is
/// a name, a unit and a value, with tabs between.
@main struct BenchEdgeIO {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let mode = arguments.first ?? "all"
        let viewers = arguments.dropFirst().first.flatMap { Int($0) } ?? 300
        let seconds = arguments.dropFirst(2).first.flatMap { Double($0) } ?? 5
        if mode != "edge" { try SocketBench(viewers: viewers, seconds: seconds).run() }
        if mode != "io" { try await WorkerBench(viewers: viewers, seconds: seconds).run() }
    }
}

/// The load of the comparison: 2 Mbit/s as 30 frames of seven packets.
enum Load {
    static let packetSize = 1200
    static let packetsPerFrame = 7
    static let frameInterval = 1.0 / 30
}

/// Threads and their processor time.
enum Threads {
    /// The number of the thread with this name; nil when there is none.
    static func id(named name: String) -> Int32? {
        guard let folder = opendir("/proc/self/task") else { return nil }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let number = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let id = Int32(number), text("/proc/self/task/\(number)/comm").hasPrefix(name) else { continue }
            return id
        }
        return nil
    }

    /// Seconds that a thread was on a processor.
    static func seconds(of id: Int32) -> Double {
        let fields = text("/proc/self/task/\(id)/schedstat").split(separator: " ")
        return fields.first.flatMap { Double($0) }.map { $0 / 1e9 } ?? 0
    }

    static var own: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func sleep(_ seconds: Double) {
        guard seconds > 0 else { return }
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
        nanosleep(&time, nil)
    }

    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return "" }
        return String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// One line of the result.
func report(_ name: String, _ unit: String, _ value: Double) { print("\(name)\t\(unit)\t\((value * 1000).rounded() / 1000)") }

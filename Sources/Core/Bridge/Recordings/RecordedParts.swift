internal import BridgeModel

/// The files of one recording, in order: each is one recorder's, and only the newest can be the running recorder's.
struct RecordedParts: Sendable {
    struct Part: Sendable, Equatable {
        let number: Int
        /// Its recorder runs, or has not said yet that it ended.
        var isOpen = true
        /// Its recorder completed the file.
        var isClean = false
        var bytes: Int64 = 0
        var duration: Duration = .zero
    }

    private var parts: [Part] = []

    init() {}

    /// Parts that lie on the disk; their recorders have ended.
    init(closed numbers: [Int]) { parts = numbers.map { Part(number: $0, isOpen: false) } }

    /// The newest.
    var last: Part? { parts.last }
    var count: Int { parts.count }
    var hasOpen: Bool { parts.contains(where: \.isOpen) }
    var open: [Part] { parts.filter(\.isOpen) }
    var bytes: Int64 { parts.reduce(0) { $0 + $1.bytes } }
    /// What a file can be made of. A part without media has no bytes in its clean end; what a dead recorder left is only known from the disk.
    var useful: [Part] { parts.filter { !$0.isClean || $0.bytes > 0 } }
    /// The longest with anything in it.
    var longest: Part? { parts.max { $0.duration < $1.duration }.flatMap { $0.bytes > 0 ? $0 : nil } }

    /// A new part behind the others; its number.
    mutating func begin() -> Int {
        let number = (parts.last?.number ?? 0) + 1
        parts.append(Part(number: number))
        return number
    }

    /// Part `number` has grown.
    mutating func grow(_ number: Int, bytes: Int64, duration: Duration) {
        guard let index = parts.firstIndex(where: { $0.number == number }) else { return }
        (parts[index].bytes, parts[index].duration) = (bytes, duration)
    }

    /// Part `number` ends with its recorder's last word; false when it had ended before.
    mutating func close(_ number: Int, with event: PipelineEvent) -> Bool {
        guard let index = parts.firstIndex(where: { $0.number == number && $0.isOpen }) else { return false }
        parts[index].isOpen = false
        switch event {
        case .finished(let bytes, let duration):
            (parts[index].isClean, parts[index].bytes, parts[index].duration) = (true, bytes, duration)
        // A recorder that met a full disk closed its file before it said so.
        case .failed(let error): parts[index].isClean = error.code == .storageFull
        default: break
        }
        return true
    }

    /// Gives up on all recorders.
    mutating func abandonAll() {
        for index in parts.indices { parts[index].isOpen = false }
    }
}

internal import Bridge

/// Which parts of which files were sent by this process while the files grew, and are known to be right. A file's parts are taken once, by the upload
/// that completes the object: it waits for a part that is under way.
actor StreamedParts {
    private struct Stream {
        var numbers: Set<Int> = []
        var latest: GrowingFile
        /// It has grown since somebody looked.
        var hasGrown = true
        /// Sends its parts.
        var task: Task<Void, Never>?
        /// The upload that completes the object has begun: nothing more is sent here.
        var isTaken = false
        /// The complete file is another one.
        var isReplaced = false
    }

    private var streams: [String: Stream] = [:]

    /// The file as it is now. `start` begins to send its parts, where nobody does.
    func note(_ file: GrowingFile, name: String, start: @Sendable () -> Task<Void, Never>) {
        var stream = streams[name] ?? Stream(latest: file)
        guard !stream.isTaken, !stream.isReplaced, stream.latest.path == file.path else { return }
        // News may overtake each other.
        if file.durableSize >= stream.latest.durableSize {
            stream.latest = file
            stream.hasGrown = true
        }
        if stream.task == nil { stream.task = start() }
        streams[name] = stream
    }

    /// The complete file is what lies at `path`.
    func completed(_ path: String, name: String) {
        guard let stream = streams[name], stream.latest.path != path else { return }
        streams[name]?.isReplaced = true
    }

    /// The newest state of the file; nil when its parts have been taken, or are for nothing.
    func latest(_ name: String) -> GrowingFile? {
        guard let stream = streams[name], !stream.isTaken, !stream.isReplaced else { return nil }
        streams[name]?.hasGrown = false
        return stream.latest
    }

    /// Whether parts are being sent.
    func isUnderWay(_ name: String) -> Bool { streams[name]?.task != nil }

    /// The parts that this process has sent.
    func sent(_ name: String) -> Set<Int> { streams[name]?.numbers ?? [] }

    /// The destination has these parts alone: what else was sent is lost there.
    func has(_ numbers: Set<Int>, of name: String) { streams[name]?.numbers.formIntersection(numbers) }

    func sent(_ number: Int, of name: String) { streams[name]?.numbers.insert(number) }

    /// Whether the file has grown since `latest` was asked for; if not, the sender is at its end.
    func goesOn(_ name: String) -> Bool {
        guard let stream = streams[name], !stream.isTaken, !stream.isReplaced, stream.hasGrown else {
            streams[name]?.task = nil
            return false
        }
        return true
    }

    /// Sends no more of a file; false while a part of it is under way, which may be for long where a folder hangs.
    func stop(_ name: String) -> Bool {
        streams[name]?.isTaken = true
        guard streams[name]?.task == nil else { return false }
        streams[name] = nil
        return true
    }

    /// The parts, when none is under way any more; forgets the file.
    func take(_ name: String) async -> Set<Int> {
        guard streams[name] != nil else { return [] }
        streams[name]?.isTaken = true
        await streams[name]?.task?.value
        guard let stream = streams.removeValue(forKey: name), !stream.isReplaced else { return [] }
        return stream.numbers
    }
}

internal import Bridge
internal import BridgeModel
internal import NIOPosix
internal import Playback

/// Finds recordings and keeps the indexes of their files. Files are read on a few threads of its own, never on Swift's pool.
actor MediaLibrary {
    /// Indexes that are kept; beyond it the ones that were not asked for longest are forgotten.
    private static let indexLimit = 64
    /// Recordings of which the newest view is kept; a day of one is some 10 MB.
    private static let madeLimit = 16
    /// Recordings that the ledger is asked for at once.
    private static let pageSize = 500
    /// A recording of more files is opened only where a range needs it.
    private static let wholeLimit = 32
    /// Files that are opened before others have a turn.
    private static let openedAtOnce = 16
    /// Threads for long work.
    private static let longThreads = 2
    /// Media may lie outside the times of its recording's row: before its beginning by the pre-roll, behind its end by what was under way.
    private static let tolerance: Duration = .seconds(120)
    /// How often a file that grows is looked at while somebody waits for it.
    private static let pollInterval: Duration = .milliseconds(40)

    private let recordings: any RecordingLibrary
    private let files: any RecordedFiles
    private let threads: NIOThreadPool
    private let longLane: NIOThreadPool
    var indexed: [String: IndexedFile] = [:]
    /// The paths of `indexed`, the one that was asked for last at the end.
    var order: [String] = []
    /// Looks for files that have been removed, while any is open.
    var caretaker: Task<Void, Never>?
    private var looks: [RecordingID: Task<LiveEdge?, any Error>] = [:]
    private var streamLooks: [StreamID: Task<LiveEdge?, any Error>] = [:]
    /// What was made of recordings lately: it takes the longer the longer they are, and every player of a live one asks several times a second.
    var made: [RecordingID: Made] = [:]

    struct Made {
        var view: RecordingView
        /// Of this view, or of one that it has grown out of.
        var division: Division?
        /// The live list of this view as a whole (`false`) and as a delta update (`true`), as far as somebody asked for it.
        var lists: [Bool: HLSTemplate] = [:]
    }

    /// The segments of a view.
    struct Division {
        var rules: HLSRules
        var version: RecordingView.Version
        var segments: GrowingList<HLSSegment>
    }

    init(recordings: any RecordingLibrary, files: any RecordedFiles, threads count: Int) {
        self.recordings = recordings
        self.files = files
        threads = NIOThreadPool(numberOfThreads: count)
        longLane = NIOThreadPool(numberOfThreads: Self.longThreads)
        threads.start()
        longLane.start()
    }

    deinit {
        caretaker?.cancel()
        threads.shutdownGracefully { _ in }
        longLane.shutdownGracefully { _ in }
    }

    /// Who a piece of blocking work waits for.
    enum Lane {
        /// A player waits for it: lists, segments, pictures.
        case short
        /// A piece of what takes seconds or minutes as a whole, as a day in one file does: it waits for its like only.
        case long
    }

    /// Runs work that blocks. Throws `failed` with `unavailable` when the bridge ends meanwhile, and what `work` throws.
    nonisolated func blocking<Value: Sendable>(
        _ lane: Lane = .short, _ work: @escaping @Sendable () throws -> Value
    ) async throws(PlaybackError) -> Value {
        do {
            return try await (lane == .short ? threads : longLane).runIfActive(work)
        } catch let error as PlaybackError {
            throw error
        } catch {
            throw .failed(BridgeError(.unavailable, "The recording cannot be read now; try again."))
        }
    }

    /// When the recordings of a stream have media, for those that may hold some of a range. Of files that the ledger knows none is opened.
    func outlines(of stream: StreamID, in range: PlaybackRange) async throws(PlaybackError) -> [RecordingOutline] {
        var outlines: [RecordingOutline] = []
        for row in try await rows(of: stream, in: range) {
            let found = try await found(of: row)
            var outline = RecordingOutline(row)
            for run in found.runs(by: \.isKnown) {
                if run.allSatisfy(\.isKnown) {
                    for file in run { outline.add(file) }
                } else if let view = try await view(of: row, FileSelection(run.indices, of: found)) {
                    outline.add(view)
                }
            }
            if !outline.files.isEmpty { outlines.append(outline) }
        }
        return outlines
    }

    private func rows(of stream: StreamID, in range: PlaybackRange) async throws(PlaybackError) -> [RecordingRow] {
        let (from, to) = (range.from.advanced(by: .zero - Self.tolerance), range.to.advanced(by: Self.tolerance))
        var rows: [RecordingRow] = []
        var isOver = false
        // All of them: what is missing at the end is what was recorded last.
        while !isOver, !Task.isCancelled {
            let page = try await ledger { [last = rows.last] recordings async throws(BridgeError) in
                try await recordings.recordings(of: stream, from: from, to: to, after: last, limit: Self.pageSize)
            }
            rows += page
            isOver = page.count < Self.pageSize
        }
        return rows
    }

    /// The recordings of a stream that hold media of a range, oldest first; those without a readable file are left out. Of recordings of many files
    /// they hold what lies in the range, at least; `isWhole`: all.
    func views(of stream: StreamID, in range: PlaybackRange, isWhole: Bool = false) async throws(PlaybackError) -> [RecordingView] {
        var views: [RecordingView] = []
        for row in try await rows(of: stream, in: range) {
            let found = try await found(of: row)
            let selection = isWhole ? FileSelection(found) : try await selection(of: found, of: row) { _ in range.from...range.to }
            guard let view = try await view(of: row, selection) else { continue }
            views.append(view)
        }
        return views.sorted { $0.media.startedAt < $1.media.startedAt }
    }

    /// A recording, at least that which lies between two moments of its own timeline; nil when there is none, or nothing of it can be read.
    func view(of id: RecordingID, from: Duration, to: Duration) async throws(PlaybackError) -> RecordingView? {
        guard let row = try await row(id), from <= to else { return nil }
        let selection = try await selection(of: try await found(of: row), of: row) { $0.advanced(by: from)...$0.advanced(by: to) }
        return try await view(of: row, selection)
    }

    /// A recording, at least its file of this number, or the last one; nil when there is none, or nothing of it can be read.
    func view(of id: RecordingID, file number: Int) async throws(PlaybackError) -> RecordingView? {
        guard let row = try await row(id) else { return nil }
        let found = try await found(of: row)
        guard found.count > Self.wholeLimit else { return try await view(of: row, FileSelection(found)) }
        let place = min(max(0, number), found.count - 1)
        return try await view(of: row, FileSelection(place..<place + 1, of: found))
    }

    /// The files of a recording; nil when there is none.
    func files(of id: RecordingID) async throws(PlaybackError) -> (stream: StreamID, files: [RecordedFile])? {
        guard let row = try await row(id) else { return nil }
        return (row.context.stream, try await found(of: row))
    }

    /// The files that may hold media of a window, which depends on the recording's beginning. Which they are is the ledger's to know.
    private func selection(
        of found: [RecordedFile], of row: RecordingRow, _ window: (WallTime) -> ClosedRange<WallTime>
    ) async throws(PlaybackError) -> FileSelection {
        guard found.count > Self.wholeLimit else { return FileSelection(found) }
        // The first that can be read: all times of the recording count from there.
        for file in found {
            guard let first = try await opened([(0, file)], of: row).first else { continue }
            let origin = first.startedAt(in: row)
            return FileSelection(found.near(window(origin)), of: found, origin: origin)
        }
        return FileSelection(found)
    }

    /// One recording; nil when there is none, or nothing of it can be read.
    func view(of id: RecordingID) async throws(PlaybackError) -> RecordingView? {
        guard let row = try await row(id) else { return nil }
        return try await view(of: row, FileSelection(try await found(of: row)))
    }

    private func row(_ id: RecordingID) async throws(PlaybackError) -> RecordingRow? {
        try await ledger { recordings async throws(BridgeError) in try await recordings.recording(id) }
    }

    private func found(of row: RecordingRow) async throws(PlaybackError) -> [RecordedFile] {
        let segments = try await ledger { recordings async throws(BridgeError) in try await recordings.segments(of: row.id) }
        return try await blocking { [files] in files.files(of: row, segments: segments) }
    }

    /// Opens files, a few at a time so that others have their turn; those that cannot be read are left out.
    private func opened(_ files: [(place: Int, file: RecordedFile)], of row: RecordingRow) async throws(PlaybackError) -> [OpenedFile] {
        // The index is looked up here and read there: what several requests ask for at once is read once. A view keeps the indexes of all its files,
        // so that a recording of more files than are kept otherwise is not read anew for each look at its end.
        let held = Dictionary(made[row.id]?.view.sources.map { ($0.file.path, $0.file) } ?? [], uniquingKeysWith: { first, _ in first })
        var opened: [OpenedFile] = []
        for start in stride(from: 0, to: files.count, by: Self.openedAtOnce) {
            let known = files[start..<min(start + Self.openedAtOnce, files.count)].map { entry in
                (place: entry.place, file: entry.file, indexed: indexed[entry.file.path] ?? held[entry.file.path])
            }
            opened += try await blocking {
                known.compactMap { entry -> OpenedFile? in
                    guard let indexed = entry.indexed ?? IndexedFile(path: entry.file.path, container: entry.file.container),
                        let (index, size) = indexed.refreshed()
                    else { return nil }
                    return OpenedFile(place: entry.place, file: entry.file, indexed: indexed, index: index, size: size)
                }
            }
        }
        for one in opened { keep(one.indexed, path: one.file.path) }
        return opened
    }

    private func view(of row: RecordingRow, _ selection: FileSelection) async throws(PlaybackError) -> RecordingView? {
        let (isWhole, origin) = (selection.isWhole, selection.origin)
        let opened = try await opened(selection.files, of: row)
        let version = RecordingView.Version(row, opened)
        let earlier = isWhole ? made[row.id] : nil
        if let view = earlier?.view, view.version == version { return view }
        let view = try await blocking { RecordingView(row, version: version, files: opened, earlier: earlier?.view, origin: origin) }
        guard isWhole else { return view }
        // Another request may have made a newer one meanwhile, and its segments.
        let division = (made[row.id] ?? earlier)?.division
        if made.count >= Self.madeLimit { made.removeAll() }
        made[row.id] = view.map { Made(view: $0, division: division) }
        return view
    }

    /// The segments of a recording.
    func segments(of view: RecordingView, by rules: HLSRules) -> GrowingList<HLSSegment> {
        let known = made[view.media.recording]
        let division = known?.division?.rules == rules ? known?.division : nil
        if let division, division.version == view.version { return division.segments }
        let earlier = division.map { view.version.isGrowth(of: $0.version) ? $0.segments : [] } ?? []
        let segments = rules.segments(of: view.media, after: earlier, sameFormat: view.haveSameFormat)
        if known?.view.version == view.version {
            made[view.media.recording]?.division = Division(rules: rules, version: view.version, segments: segments)
        }
        return segments
    }

    /// The live list of a view, which `write` writes: once for all players that ask for it before it grows.
    func list(of view: RecordingView, isDelta: Bool, write: @Sendable () -> HLSTemplate) -> HLSTemplate {
        let known = made[view.media.recording]
        guard known?.view.version == view.version else { return write() }
        if let list = known?.lists[isDelta] { return list }
        let list = write()
        made[view.media.recording]?.lists[isDelta] = list
        return list
    }

    private func keep(_ file: IndexedFile, path: String) {
        indexed[path] = file
        order.removeAll { $0 == path }
        order.append(path)
        while order.count > Self.indexLimit { indexed[order.removeFirst()] = nil }
        takeCare()
    }

    private func ledger<Value: Sendable>(
        _ question: (any RecordingLibrary) async throws(BridgeError) -> Value
    ) async throws(PlaybackError) -> Value {
        do throws(BridgeError) {
            return try await question(recordings)
        } catch {
            throw .failed(error)
        }
    }
}

/// A recording with its segments, as it is listed now.
struct LiveEdge: Sendable {
    let view: RecordingView
    let segments: GrowingList<HLSSegment>
}

extension MediaLibrary {
    /// A recording after the next look at it, which all that wait share; nil when nothing of it can be read.
    func nextEdge(of id: RecordingID, rules: HLSRules) async throws(PlaybackError) -> LiveEdge? {
        if let look = looks[id] { return try await result(of: look) }
        let look = Task { () async throws -> LiveEdge? in
            try await Task.sleep(for: Self.pollInterval)
            return try await edge(of: id, rules: rules)
        }
        looks[id] = look
        defer { looks[id] = nil }
        return try await result(of: look)
    }

    /// What is being recorded of a stream, else the newest that was in a range; nil when there is nothing. Players that ask while one looks share what
    /// it finds.
    func newestEdge(of stream: StreamID, in range: PlaybackRange, rules: HLSRules) async throws(PlaybackError) -> LiveEdge? {
        if let look = streamLooks[stream] { return try await result(of: look) }
        let look = Task { () async throws -> LiveEdge? in
            let views = try await views(of: stream, in: range, isWhole: true)
            guard let view = views.last(where: \.media.isLive) ?? views.last else { return nil }
            return LiveEdge(view: view, segments: segments(of: view, by: rules))
        }
        streamLooks[stream] = look
        defer { streamLooks[stream] = nil }
        return try await result(of: look)
    }

    /// A recording as it is now.
    func edge(of id: RecordingID, rules: HLSRules) async throws(PlaybackError) -> LiveEdge? {
        guard let view = try await view(of: id) else { return nil }
        return LiveEdge(view: view, segments: segments(of: view, by: rules))
    }

    private func result(of look: Task<LiveEdge?, any Error>) async throws(PlaybackError) -> LiveEdge? {
        do {
            return try await look.value
        } catch let error as PlaybackError {
            throw error
        } catch {
            throw .failed(BridgeError(.unavailable, "The recording cannot be read now; try again."))
        }
    }
}

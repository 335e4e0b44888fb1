package import Bridge
package import BridgeModel

/// Who watches a room from outside.
struct RoomViewers {
    private var all: [AsyncStream<RoomView>.Continuation] = []
    /// What they saw last.
    private var last: RoomView?

    var isEmpty: Bool { all.isEmpty }

    /// Another one, who has seen nothing yet.
    mutating func add() -> AsyncStream<RoomView> {
        let (views, viewer) = AsyncStream.makeStream(of: RoomView.self, bufferingPolicy: .bufferingNewest(1))
        all.append(viewer)
        last = nil
        return views
    }

    /// Shows it to them, unless they see it already; whoever looks no more is forgotten.
    mutating func show(_ view: RoomView) {
        guard view != last else { return }
        last = view
        all.removeAll { viewer in
            if case .terminated = viewer.yield(view) { true } else { false }
        }
    }

    /// The room is over.
    mutating func finish() {
        for viewer in all { viewer.finish() }
        all = []
    }
}

extension RoomDirector {
    /// The room from now on; nil when it is over.
    func watch() -> RoomWatch? {
        guard !machine.isOver else { return nil }
        let views = tasks.viewers.add()
        showLater()
        return RoomWatch(account: account, views: views)
    }

    /// When what is decided now is done, viewers see it.
    func showLater() {
        if !tasks.viewers.isEmpty { enqueue(.show) }
    }

    /// Shows viewers the room as it is. What changes meanwhile is shown once more.
    func show() async {
        guard !machine.isOver else { return }
        var tracks: [RoomView.Track] = []
        for track in machine.tracks { tracks.append(RoomView.Track(track, source: await media.hubTrack(of: track.id))) }
        tasks.viewers.show(
            RoomView(people: machine.participants, tracks: tracks, speaker: machine.speaker, spotlight: machine.spotlight))
    }
}

extension RoomDirectory: RoomViews {
    package func watch(_ room: RoomID) async -> RoomWatch? { await director(of: room)?.watch() }
}

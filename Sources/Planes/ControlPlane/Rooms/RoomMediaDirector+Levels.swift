package import Bridge
package import BridgeModel

// How loud cameras are that have seats: their peers are sessions of their own.
extension RoomMediaDirector {
    /// See `SeatHearing`. Only a peer's packets say how loud they are.
    package func listen(to id: RoomTrackID, _ tell: @escaping @Sendable (RoomLevel) -> Void) async {
        guard let track = tracks[id], track.owner == nil, let live = await parts.streams.stream(track.stream),
            case .peer(let peer) = live.source, tracks[id] != nil
        else { return }
        let levels = parts.streams.levels.levels(of: track.stream)
        parts.edge.reportLevels(of: peer)
        listeners[id]?.cancel()
        listeners[id] = Task {
            for await heard in levels {
                if let level = heard.first(where: { $0.track == track.index }) { tell(RoomLevel(id, level.level)) }
            }
        }
    }
}

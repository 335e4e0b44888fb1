package import Bridge
package import BridgeModel

// What rooms have made: mixes for who takes but one sound, and the one picture for recordings and for who takes no more.
extension CompositeDirector: RoomMixes {
    package func mix(of room: RoomID, without participant: ParticipantID) async throws(BridgeError) -> StreamID {
        let taker = CompositeEntry.Taker(room: room, participant: participant)
        if let known = entry(of: taker) { return try await arrival(known.status) }
        let part = CompositeContent.RoomPart(room, without: [participant])
        guard let watch = try await watch(part) else { throw Self.none }
        if let known = entry(of: taker) { return try await arrival(known.status) }
        guard entries.values.count(where: { $0.taker?.participant != nil }) < Self.mostMixes else {
            throw BridgeError(.limitReached, "\(Self.mostMixes) participants have mixes of their own, as many as the bridge makes.")
        }
        return try await arrival(launch(CompositeOrder(mixOf: part), of: watch.account, watch, for: taker))
    }

    package func endMix(of room: RoomID, without participant: ParticipantID) async {
        if let known = entry(of: .init(room: room, participant: participant)) { try? await end(known.status.id) }
    }

    private func entry(of taker: CompositeEntry.Taker) -> CompositeEntry? { entries.values.first { $0.taker == taker } }

    /// Returns when the stream is there; a process that does not come up is not waited for.
    private func arrival(_ status: CompositeStatus) async throws(BridgeError) -> StreamID {
        if entries[status.id]?.status.phase == .starting {
            await withCheckedContinuation { waiter in entries[status.id]?.waiters.append(waiter) }
        }
        guard entries[status.id]?.status.phase == .live else {
            let reason = entries[status.id]?.status.reason
            try? await end(status.id)
            throw reason ?? BridgeError(.pipelineUnavailable, "The mix ended before it began; ask for it again.")
        }
        return status.stream
    }
}

extension CompositeDirector: RoomComposites {
    package func check(_ room: RoomID) throws(BridgeError) {
        if entry(of: .init(room: room, participant: nil)) == nil { try checkRoom() }
    }

    package func start(_ room: RoomID, for use: RoomPictureUse) async throws(BridgeError) -> LiveStream {
        let taker = CompositeEntry.Taker(room: room, participant: nil)
        let part = CompositeContent.RoomPart(room)
        let status: CompositeStatus
        if let known = entry(of: taker) {
            status = known.status
        } else {
            guard let watch = try await watch(part) else { throw Self.none }
            try checkRoom()
            if let known = entry(of: taker) {
                status = known.status
            } else {
                status = try await launch(CompositeOrder(pictureOf: part), of: watch.account, watch, for: taker)
            }
        }
        entries[status.id]?.uses.insert(use)
        guard let stream = await services.streams.stream(try await arrival(status)) else {
            throw BridgeError(.pipelineUnavailable, "The room's picture ended before it began; record it again.")
        }
        return stream
    }

    package func end(_ room: RoomID, for use: RoomPictureUse) async {
        guard let id = entry(of: .init(room: room, participant: nil))?.status.id else { return }
        entries[id]?.uses.remove(use)
        if entries[id]?.uses.isEmpty == true { try? await end(id) }
    }
}

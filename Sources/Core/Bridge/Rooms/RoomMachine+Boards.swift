import BridgeModel

// Freezing, drawing and pointing.
extension RoomMachine {
    /// What somebody wants to draw.
    struct Drawing {
        var id: AnnotationID
        var shape: AnnotationShape
        var colour: UInt32

        var fault: RoomError? {
            guard (1...64).contains(id.rawValue.utf8.count), id.rawValue.isOneLine else {
                return RoomError(.invalidField, "a drawing's id has 1 to 64 bytes and no control characters")
            }
            guard colour <= 0xFFFFFF else { return RoomError(.invalidField, "a colour is a number up to 0xFFFFFF") }
            return shape.fault
        }
    }

    mutating func freeze(_ track: RoomTrackID, at moment: WallTime, by actor: RoomActor) throws(RoomError) {
        let track = try requireVideo(track)
        try allow(.freeze, actor, owner: track.owner)
        guard boards.count < settings.limits.boards else {
            throw RoomError(.limitReached, "the room has \(boards.count) frozen frames; close one first")
        }
        try spend(\.changes, actor)
        lastBoard += 1
        let owner: ParticipantID? = if case .participant(let id) = actor { id } else { nil }
        let board = RoomBoard(id: BoardID("b\(lastBoard)"), track: track.id, subject: track.owner, owner: owner, frameAt: moment)
        boards.append(board)
        tellAll(.board(board))
        emit(.keep(.frozen(board)))
        emit(.takeFrame(track, of: board.id))
    }

    /// The picture was taken: everybody draws on it from now on. One that comes too late is nobody's.
    mutating func framed(_ id: BoardID, _ frame: BoardFrame) {
        guard !isOver else { return }
        guard let index = boards.firstIndex(where: { $0.id == id }) else { return emit(.dropPicture(frame.id)) }
        boards[index].frame = frame
        tellAll(.board(boards[index]))
    }

    mutating func closeBoard(_ id: BoardID, by actor: RoomActor) throws(RoomError) {
        let index = try requireBoard(id)
        try allow(.freeze, actor, owner: boards[index].owner)
        let board = boards.remove(at: index)
        tellAll(.boardClosed(id))
        if let frame = board.frame { emit(.dropPicture(frame.id)) }
        emit(.keep(.boardClosed(id, at: wall)))
    }

    mutating func annotate(_ id: BoardID, _ drawing: Drawing, by actor: RoomActor) throws(RoomError) {
        let board = try requireBoard(id)
        let author = members[try requireSelf(actor)].id
        try allow(.annotate, actor)
        if let fault = drawing.fault { throw fault }
        let place = boards[board].annotations.firstIndex { $0.id == drawing.id }
        if let place, boards[board].annotations[place].author != author {
            throw RoomError(.forbidden, "drawing \(drawing.id) is somebody else's; use another id")
        }
        guard place != nil || boards[board].annotations.count < settings.limits.annotationsOfBoard else {
            throw Self.full
        }
        let others = boards[board].annotations.reduce(0) { $0 + ($1.id == drawing.id ? 0 : $1.shape.pointCount) }
        guard others + drawing.shape.pointCount <= settings.limits.pointsOfBoard else { throw Self.full }
        try spend(\.drawing, actor)
        let annotation = Annotation(id: drawing.id, author: author, shape: drawing.shape, colour: drawing.colour, at: wall)
        if let place { boards[board].annotations[place] = annotation } else { boards[board].annotations.append(annotation) }
        tellAll(.annotated(id, annotation))
        emit(.keep(.annotated(id, annotation)))
    }

    private static let full = RoomError(.limitReached, "there is no room on this frame for another drawing; erase one first")

    mutating func erase(_ id: BoardID, _ annotation: AnnotationID?, by actor: RoomActor) throws(RoomError) {
        let board = try requireBoard(id)
        var erased = boards[board].annotations
        if let annotation {
            erased = erased.filter { $0.id == annotation }
            guard let author = erased.first?.author else {
                throw RoomError(.notFound, "drawing \(annotation) is not on this frame any more")
            }
            try allow(.erase, actor, owner: author)
        } else if permission(.erase, actor) != .always {
            erased = erased.filter { actor == .participant($0.author) }
            try allow(.erase, actor, owner: members[try requireSelf(actor)].id)
        }
        guard !erased.isEmpty else { return }
        try spend(\.drawing, actor)
        let ids = erased.map(\.id)
        boards[board].annotations.removeAll { ids.contains($0.id) }
        tellAll(.erased(id, ids))
        emit(.keep(.erased(id, ids, at: wall)))
    }

    /// A pointer that moves too fast loses places on its way, not its end: pages send the last one again.
    mutating func point(_ track: RoomTrackID, _ place: PicturePoint?, by actor: RoomActor) throws(RoomError) {
        let index = try requireSelf(actor)
        try allow(.point, actor)
        _ = try requireVideo(track)
        guard place?.isInside ?? true else { throw RoomError(.invalidField, "a point in a picture has coordinates from 0 to 1") }
        guard members[index].rates.pointer.admit(now: now) else { return }
        members[index].pointsAt = place == nil ? nil : track
        tellAll(but: members[index].id, .pointer(track, members[index].id, place))
    }

    /// Whoever goes away points nowhere.
    mutating func dropPointer(of id: ParticipantID) {
        guard let index = member(id), let track = members[index].pointsAt else { return }
        members[index].pointsAt = nil
        if tracks.contains(where: { $0.id == track }) { tellAll(but: id, .pointer(track, id, nil)) }
    }

    private func requireBoard(_ id: BoardID) throws(RoomError) -> Int {
        guard let index = boards.firstIndex(where: { $0.id == id }) else {
            throw RoomError(.notFound, "frozen frame \(id) is closed")
        }
        return index
    }
}

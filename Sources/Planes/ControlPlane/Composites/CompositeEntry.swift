internal import Bridge
internal import BridgeModel

/// One composite of the director's.
struct CompositeEntry {
    /// One guest's way into the running child.
    struct Feed {
        var number: CompositeInput.Number
        var subscriber: PipelineID
        var source: CompositeGuest.Source
    }

    /// Who in a room it is made for.
    struct Taker: Hashable {
        var room: RoomID
        /// Whose mix it is; nil: it is the room's one picture.
        var participant: ParticipantID?
    }

    var status: CompositeStatus
    let context: SessionContext
    /// Set: it is nobody's but theirs, and the API does not know it.
    var taker: Taker?
    /// Of a room's one picture.
    var uses: Set<RoomPictureUse> = []
    /// The room that it is of, as it was seen last.
    var view = RoomView()
    var seating = CompositeSeating<CompositeGuestID>()
    /// Each guest has one number as long as they belong to the composite.
    var numbers: [CompositeGuestID: CompositeInput.Number] = [:]
    var lastNumber: CompositeInput.Number = 0
    /// Into the running child.
    var feeds: [CompositeGuestID: Feed] = [:]
    /// What the running child shows.
    var shown: CompositeScene?
    var pipeline: (any RunningPipeline)?
    var life: Task<Void, Never>?
    /// Follows the room.
    var watcher: Task<Void, Never>?
    /// They wait for the stream.
    var waiters: [CheckedContinuation<Void, Never>] = []

    init(status: CompositeStatus, context: SessionContext, taker: Taker? = nil) {
        self.status = status
        self.context = context
        self.taker = taker
    }

    var order: CompositeOrder { status.order }
    private var layout: CompositeLayout { order.content.layout }

    var plan: CompositePlan {
        CompositePlan(
            tracks: CompositePlan.tracks(video: order.codec, audio: order.audio), width: order.width, height: order.height,
            framesPerSecond: order.framesPerSecond, bitrate: order.bitrate,
            scene: CompositeScene(background: layout.background, showsNames: layout.showsNames, showsClock: layout.showsClock))
    }

    /// Gives everybody who is there now a seat and a number.
    mutating func arrange(live: [StreamID: LiveStream]) {
        let cast: CompositeCast
        if let part = order.content.room {
            cast = CompositeCast(view, without: part.without, layout: layout, isPicture: order.codec != nil)
        } else {
            cast = CompositeCast(order.content, live: live.mapValues(\.tracks))
        }
        seating.seat(cast.guests.map(\.id), focus: cast.focus)
        for guest in seating.guests where numbers[guest] == nil {
            lastNumber += 1
            numbers[guest] = lastNumber
        }
        numbers = numbers.filter { seating.guests.contains($0.key) }
        status.guests = cast.guests
    }

    /// What is to be seen and heard of them. `image`: of the background, where it has one.
    func scene(image: CompositeScene.Image?) -> CompositeScene {
        let guests = Dictionary(status.guests.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let cells = order.codec == nil ? [] : layout.cells(seats: seating.guests.count, width: order.width, height: order.height)
        let places = zip(seating.guests, cells).compactMap { id, cell -> CompositePlace? in
            guard let number = numbers[id], let guest = guests[id] else { return nil }
            var place = CompositePlace(input: number, name: guest.name, cell: cell)
            place.isCovered = guest.isCovered
            return place
        }
        var scene = CompositeScene(
            places: places, background: layout.background, showsNames: layout.showsNames, showsClock: layout.showsClock)
        scene.image = image
        scene.silenced = Set(status.guests.filter(\.isSilenced).compactMap { numbers[$0.id] })
        return scene
    }

    /// The tracks of a guest that the composite takes.
    func taken(of source: CompositeGuest.Source) -> [TrackDescription] {
        source.tracks.filter { $0.kind == .video ? order.codec != nil : order.audio }
    }
}

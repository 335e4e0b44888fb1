package import Bridge
package import BridgeModel

/// Reads what pages and cameras send in a room: `{"type": …, "data": {…}}`. What the values mean in the room is the machine's to judge.
package enum RoomForm {
    /// Tracks that one message may name.
    package static let greatestTrackCount = 500
    /// Pixels and lines of a view.
    private static let pixels = 1...16_384

    /// Bytes of what a sender calls a frame: it is sent back.
    private static let referenceBytes = 1...64

    /// What a page or camera has sent; `frame` is nil when the text was no JSON.
    package static func frame(in frame: JSONValue?) throws(RTMFault) -> RoomFrame {
        guard let frame, case .object = frame else {
            throw RTMFault(RTMError(.malformedJSON, "frame is not a JSON object"), inReplyTo: nil, isBadMessage: true)
        }
        guard let type = frame["type"], !type.isNull else {
            throw RTMFault(RTMError(.missingField, "type is missing", field: "type"), inReplyTo: nil, isBadMessage: true)
        }
        guard let name = type.string else {
            throw RTMFault(RTMError(.invalidField, "type must be a string", field: "type"), inReplyTo: nil, isBadMessage: true)
        }
        guard let kind = RoomFrame.Kind(rawValue: name) else {
            // Echoed only as far as a known type could be long: a frame must not make a long reply.
            throw RTMFault(RTMError(.unknownType, "no such message type", field: "type"), inReplyTo: String(name.prefix(64)))
        }
        guard let member = frame["ref"], !member.isNull, reference(in: frame) == nil else {
            do throws(RTMError) {
                return RoomFrame(.init(type: name, reference: reference(in: frame)), try message(kind, data(of: frame)))
            } catch {
                throw RTMFault(error, inReplyTo: name, isBadMessage: true)
            }
        }
        let rule = "ref must be a text of \(referenceBytes.lowerBound) to \(referenceBytes.upperBound) bytes"
        throw RTMFault(RTMError(.invalidField, rule, field: "ref"), inReplyTo: name, isBadMessage: true)
    }

    /// What the sender calls a frame, which may be malformed otherwise.
    package static func reference(in frame: JSONValue?) -> String? {
        frame?["ref"]?.string.flatMap { referenceBytes.contains($0.utf8.count) ? $0 : nil }
    }

    private static func data(of frame: JSONValue) throws(RTMError) -> RoomFields {
        guard let data = frame["data"], !data.isNull else { return RoomFields([:], path: "data") }
        guard case .object = data else { throw RTMError(.invalidField, "data must be an object", field: "data") }
        return RoomFields(data, path: "data")
    }

    private static func message(_ kind: RoomFrame.Kind, _ data: RoomFields) throws(RTMError) -> RoomSocketMessage {
        switch kind {
        case .descriptionUpdate: return try description(data)
        case .cameraOrder: return .cameraOrder(SeatID(try data.text("seat")), try CameraForm.order(data.object("order")))
        default: return .request(try request(kind, data))
        }
    }

    /// Who offers is fixed: a page its publishing peer, the bridge the subscribing one.
    private static func description(_ data: RoomFields) throws(RTMError) -> RoomSocketMessage {
        let peer: RoomPeerKind = try data.word("peer")
        let description = try data.object("sdp")
        let kind: SessionDescription.Kind = try description.word("type")
        guard kind == (peer == .publish ? .offer : .answer) else {
            throw description.invalid("type", "offer for the publish peer, answer for the subscribe peer")
        }
        let sdp = try description.text("sdp", 1...RTMForm.maximumDescriptionBytes)
        return peer == .publish ? .publishOffer(sdp: sdp) : .subscribeAnswer(sdp: sdp)
    }

    private static func request(_ kind: RoomFrame.Kind, _ data: RoomFields) throws(RTMError) -> RoomRequest {
        switch kind {
        case .join:
            let name = try data.optionalText("name", 1...RoomText.nameBytes)
            return .join(name: name, keepsPeers: try data.optionalFlag("keeps_peers") ?? false)
        case .cameraSeat: return .seat(try seat(data))
        case .record: return .record(try data.flag("on"))
        case .single: return .command(.single(try data.flag("on")))
        case .leave: return .command(.leave)
        case .roomClose: return .command(.close)
        case .publish, .unpublish, .mute, .pin, .spotlight, .view: return .command(try trackCommand(kind, data))
        case .admit, .deny, .remove, .hand, .describe, .chat, .cameraUnseat: return .command(try peopleCommand(kind, data))
        default: return .command(try pictureCommand(kind, data))
        }
    }

    private static func trackCommand(_ kind: RoomFrame.Kind, _ data: RoomFields) throws(RTMError) -> RoomCommand {
        switch kind {
        case .publish: return .publish(try data.word("kind"), mid: try data.text("mid", 1...RTMForm.maximumIdentificationBytes))
        case .unpublish: return .unpublish(RoomTrackID(try data.text("track")))
        case .mute: return .mute(RoomTrackID(try data.text("track")), try data.flag("muted"))
        case .pin: return .pin(try tracks(data))
        case .spotlight: return .spotlight(try tracks(data))
        default: return .view(try views(data))
        }
    }

    private static func peopleCommand(_ kind: RoomFrame.Kind, _ data: RoomFields) throws(RTMError) -> RoomCommand {
        switch kind {
        case .admit: return .admit(ParticipantID(try data.text("participant")))
        case .deny: return .deny(ParticipantID(try data.text("participant")))
        case .remove: return .remove(ParticipantID(try data.text("participant")))
        case .hand: return .hand(try data.optionalText("participant").map(ParticipantID.init), isRaised: try data.flag("raised"))
        case .describe:
            return .describe(
                try data.optionalText("participant").map(ParticipantID.init), name: try data.optionalText("name", 1...RoomText.nameBytes),
                metadata: try data.optionalTexts("metadata") ?? [:])
        case .chat: return .chat(try data.text("text", 1...RoomText.chatBytes))
        default: return .unseat(SeatID(try data.text("seat")))
        }
    }

    private static func tracks(_ data: RoomFields) throws(RTMError) -> [RoomTrackID] {
        var tracks: [RoomTrackID] = []
        for item in try data.list("tracks", limit: greatestTrackCount) {
            guard let text = item.string, RoomFields.idBytes.contains(text.utf8.count) else {
                throw data.invalid("tracks", "a list of track ids")
            }
            tracks.append(RoomTrackID(text))
        }
        return tracks
    }

    private static func views(_ data: RoomFields) throws(RTMError) -> [RoomTrackID: TrackView] {
        var views: [RoomTrackID: TrackView] = [:]
        for (index, item) in try data.list("tracks", limit: greatestTrackCount).enumerated() {
            let fields = RoomFields(item, path: "data.tracks[\(index)]")
            views[RoomTrackID(try fields.text("track"))] = TrackView(
                isVisible: try fields.flag("visible"), width: try fields.optionalInteger("width", pixels),
                height: try fields.optionalInteger("height", pixels), frameRate: try fields.optionalInteger("frame_rate", 1...240))
        }
        return views
    }

    /// What a camera is to be seated with, from the members of an object; errors name them without the object.
    package static func seatOrder(in object: JSONValue) throws(RTMError) -> SeatOrder { try seat(RoomFields(object, path: nil)) }

    private static func seat(_ data: RoomFields) throws(RTMError) -> SeatOrder {
        let stream = try data.optionalText("stream", 1...128)
        let camera = try data.optionalText("camera", 1...128)
        let source: SeatOrder.Source
        switch (stream, camera) {
        case (let stream?, nil):
            guard let id = StreamID(named: stream) else { throw data.invalid("stream", StreamID.rule) }
            source = .stream(id)
        case (nil, let camera?): source = .camera(ClientID(camera))
        default: throw data.invalid("stream", "given, or camera, and not both")
        }
        return SeatOrder(
            source: source, displayName: try data.text("display_name", 1...RoomText.nameBytes),
            sends: try media(data, "send") ?? [.audio, .video], receives: try media(data, "receive") ?? [],
            greatestHeight: try data.optionalInteger("max_height", pixels), until: try data.optionalTime("until"))
    }

    private static func media(_ data: RoomFields, _ name: String) throws(RTMError) -> Set<MediaKind>? {
        guard let items = try data.optionalList(name, limit: MediaKind.allCases.count) else { return nil }
        var kinds: Set<MediaKind> = []
        for item in items {
            guard let kind = item.string.flatMap(MediaKind.init(rawValue:)) else { throw data.invalid(name, "a list of audio and video") }
            kinds.insert(kind)
        }
        return kinds
    }
}

package import BridgeModel

/// A composite's identity: a lower-case UUID, version 4.
package struct CompositeID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// What somebody wants to be made of several streams.
package struct CompositeOrder: Sendable, Equatable {
    /// The stream that it becomes; nil: the bridge finds a name.
    package var stream: StreamID?
    package var content: CompositeContent
    /// Pixels, even.
    package var width: Int
    package var height: Int
    package var framesPerSecond: Int
    /// Nil: there is no picture.
    package var codec: Codec?
    /// Target video bit rate, bit/s.
    package var bitrate: Int
    package var audio: Bool
    /// It is made while somebody takes it, and not else.
    package var isOnDemand = false
}

/// What can be changed while it runs.
package struct CompositeContent: Sendable, Equatable {
    package var inputs: [Input]
    package var layout: CompositeLayout
    /// Who has the large place; nil leaves it to whoever has it.
    package var focus: StreamID?
    /// A room in place of inputs and focus: who is there, and who has the large place, the room says.
    package var room: RoomPart?

    /// A stream of the bridge, there or not yet.
    package struct Input: Sendable, Equatable {
        package var stream: StreamID
        /// For people.
        package var name: String

        package init(stream: StreamID, name: String) {
            self.stream = stream
            self.name = name
        }
    }

    /// All of a room but some.
    package struct RoomPart: Sendable, Equatable {
        package var room: RoomID
        /// They are neither seen nor heard.
        package var without: Set<ParticipantID>

        package init(_ room: RoomID, without: Set<ParticipantID> = []) {
            self.room = room
            self.without = without
        }
    }

    package init(inputs: [Input], layout: CompositeLayout = CompositeLayout(), focus: StreamID? = nil) {
        self.inputs = inputs
        self.layout = layout
        self.focus = focus
    }
}

extension CompositeOrder {
    private static let members: Set<String> = [
        "name", "inputs", "room", "without", "layout", "focus", "width", "height", "fps", "video", "audio",
        "start",
    ]

    /// The sound of a part of a room.
    package init(mixOf part: CompositeContent.RoomPart) {
        content = CompositeContent(inputs: [])
        content.room = part
        (width, height, framesPerSecond, codec, bitrate, audio) = (160, 90, 5, nil, 50_000, true)
    }

    /// The picture and the sound of a part of a room, for its recording.
    package init(pictureOf part: CompositeContent.RoomPart) {
        content = CompositeContent(inputs: [])
        content.room = part
        (width, height, framesPerSecond, codec, bitrate, audio) = (1280, 720, 25, .h264, 2_500_000, true)
    }

    /// Reads an order, strictly; what is left out has its default.
    package init(reading body: JSONValue) throws(FieldFault) {
        try body.allow(Self.members, in: nil)
        if let member = body["name"], !member.isNull {
            guard let name = member.string.flatMap({ StreamID(named: $0) }) else { throw FieldFault("name", StreamID.rule) }
            stream = name
        }
        content = try CompositeContent(orderedBy: body)
        width = try body.number("width", 160...3840, or: 1280)
        height = try body.number("height", 90...2160, or: 720)
        guard width & 1 == 0 else { throw FieldFault("width", "even") }
        guard height & 1 == 0 else { throw FieldFault("height", "even") }
        framesPerSecond = try body.number("fps", 5...60, or: 25)
        (codec, bitrate) = (.h264, width * height * framesPerSecond / 10)
        if let video = body["video"], video.isNull {
            codec = nil
        } else if let video = body["video"] {
            try video.allow(["codec", "bitrate"], in: "video")
            if let member = video["codec"], !member.isNull {
                guard let codec = member.string.flatMap(Codec.init(rawValue:)), [.h264, .vp8].contains(codec) else {
                    throw FieldFault("video.codec", "h264 or vp8")
                }
                self.codec = codec
            }
            bitrate = try video.number("bitrate", 50_000...50_000_000, or: bitrate, in: "video.")
        }
        bitrate = min(max(bitrate, 50_000), 50_000_000)
        audio = true
        if let member = body["audio"], !member.isNull {
            guard let truth = member.bool else { throw FieldFault("audio", "true or false") }
            audio = truth
        }
        guard audio || codec != nil else { throw FieldFault("audio", "true where video is null: else there is nothing") }
        if let member = body["start"], !member.isNull {
            guard let start = member.string, ["always", "on_demand"].contains(start) else {
                throw FieldFault("start", "always or on_demand")
            }
            isOnDemand = start == "on_demand"
        }
        if let stream, content.inputs.contains(where: { $0.stream == stream }) {
            throw FieldFault("inputs", "without the composite itself")
        }
    }
}

extension CompositeContent {
    private static let (ofStreams, ofRoom): (Set<String>, Set<String>) = (["inputs", "layout", "focus"], ["without", "layout"])
    private static let longestName = 64
    /// Of those who can be left out of a room.
    private static let mostWithout = 100

    /// Reads a change, strictly: what is left out stays.
    package func changed(reading body: JSONValue) throws(FieldFault) -> CompositeContent {
        try body.allow(room == nil ? Self.ofStreams : Self.ofRoom, in: nil)
        return try changed(by: body)
    }

    fileprivate init(orderedBy body: JSONValue) throws(FieldFault) {
        var content = CompositeContent(inputs: [])
        if let member = body["room"], !member.isNull {
            guard let name = member.string.flatMap({ RoomID(named: $0) }) else { throw FieldFault("room", RoomID.rule) }
            for other in ["inputs", "focus"] {
                if let member = body[other], !member.isNull { throw FieldFault(other, "left out, where there is a room") }
            }
            content.room = RoomPart(name)
        } else {
            guard let inputs = body["inputs"], !inputs.isNull else { throw .missing("inputs") }
            if let member = body["without"], !member.isNull { throw FieldFault("without", "left out, where there is no room") }
        }
        self = try content.changed(by: body)
    }

    private func changed(by body: JSONValue) throws(FieldFault) -> CompositeContent {
        var result = self
        if let member = body["inputs"], !member.isNull { result.inputs = try Self.inputs(member) }
        if let member = body["without"], !member.isNull { result.room?.without = try Self.people(member) }
        if let member = body["layout"], !member.isNull { result.layout = try CompositeLayout(reading: member) }
        guard let member = body["focus"], !member.isNull else { return result }
        guard let focus = member.string.flatMap({ StreamID(named: $0) }), result.inputs.contains(where: { $0.stream == focus }) else {
            throw FieldFault("focus", "the stream of one of the inputs")
        }
        result.focus = focus
        return result
    }

    private static func people(_ value: JSONValue) throws(FieldFault) -> Set<ParticipantID> {
        guard case .array(let items) = value, items.count <= mostWithout else {
            throw FieldFault("without", "a list of up to \(mostWithout) participants")
        }
        var people: Set<ParticipantID> = []
        for (index, item) in items.enumerated() {
            guard let id = item.string, (1...128).contains(id.utf8.count), id.isOneLine else {
                throw FieldFault("without[\(index)]", "a participant's id, as the room shows it")
            }
            people.insert(ParticipantID(id))
        }
        return people
    }

    private static func inputs(_ value: JSONValue) throws(FieldFault) -> [Input] {
        guard case .array(let items) = value, items.count <= CompositeLayout.mostInputs else {
            throw FieldFault("inputs", "a list of up to \(CompositeLayout.mostInputs) inputs")
        }
        var inputs: [Input] = []
        for (index, item) in items.enumerated() {
            let field = "inputs[\(index)]"
            guard case .object = item else { throw FieldFault(field, "an object with stream, and name where another is to be shown") }
            try item.allow(["stream", "name"], in: field)
            guard let member = item["stream"], !member.isNull else { throw .missing("\(field).stream") }
            guard let stream = member.string.flatMap({ StreamID(named: $0) }) else { throw FieldFault("\(field).stream", StreamID.rule) }
            guard !inputs.contains(where: { $0.stream == stream }) else { throw FieldFault("\(field).stream", "in the list once") }
            var name = String(stream.rawValue.prefix(longestName))
            if let member = item["name"], !member.isNull {
                guard let text = member.string, text.count <= longestName, text.isOneLine else {
                    throw FieldFault("\(field).name", "up to \(longestName) characters without control characters")
                }
                name = text
            }
            inputs.append(Input(stream: stream, name: name))
        }
        return inputs
    }
}

extension JSONValue {
    /// Refuses what is no object, or has other members.
    fileprivate func allow(_ members: Set<String>, in field: String?) throws(FieldFault) {
        guard case .object(let object) = self else { throw FieldFault(field ?? "body", "an object") }
        guard let unknown = object.keys.filter({ !members.contains($0) }).min() else { return }
        throw FieldFault(field.map { "\($0).\(unknown)" } ?? unknown, "left out: there are \(members.sorted().joined(separator: ", "))")
    }

    fileprivate func number(
        _ name: String, _ range: ClosedRange<Int>, or normal: Int, in prefix: String = ""
    ) throws(FieldFault) -> Int {
        guard let member = self[name], !member.isNull else { return normal }
        guard let number = member.integer, range.contains(number) else {
            throw FieldFault(prefix + name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

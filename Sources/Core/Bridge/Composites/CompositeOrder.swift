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
    package var codec: Codec
    /// Target video bit rate, bit/s.
    package var bitrate: Int
    package var audio: Bool
}

/// What can be changed while it runs.
package struct CompositeContent: Sendable, Equatable {
    package var inputs: [Input]
    package var layout: CompositeLayout
    /// Who has the large place; nil leaves it to whoever has it.
    package var focus: StreamID?

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

    package init(inputs: [Input], layout: CompositeLayout = CompositeLayout(), focus: StreamID? = nil) {
        self.inputs = inputs
        self.layout = layout
        self.focus = focus
    }
}

extension CompositeOrder {
    private static let members: Set<String> = [
        "name", "inputs", "layout", "focus", "width", "height", "fps", "video", "audio",
    ]

    /// Reads an order, strictly; what is left out has its default.
    package init(reading body: JSONValue) throws(FieldFault) {
        try body.allow(Self.members, in: nil)
        if let member = body["name"], !member.isNull {
            guard let name = member.string.flatMap({ StreamID(named: $0) }) else { throw FieldFault("name", StreamID.rule) }
            stream = name
        }
        guard let inputs = body["inputs"], !inputs.isNull else { throw .missing("inputs") }
        content = try CompositeContent(inputs: [], changedBy: body)
        width = try body.number("width", 160...3840, or: 1280)
        height = try body.number("height", 90...2160, or: 720)
        guard width & 1 == 0 else { throw FieldFault("width", "even") }
        guard height & 1 == 0 else { throw FieldFault("height", "even") }
        framesPerSecond = try body.number("fps", 5...60, or: 25)
        (codec, bitrate) = (.h264, width * height * framesPerSecond / 10)
        if let video = body["video"], !video.isNull {
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
        if let stream, content.inputs.contains(where: { $0.stream == stream }) {
            throw FieldFault("inputs", "without the composite itself")
        }
    }
}

extension CompositeContent {
    private static let members: Set<String> = ["inputs", "layout", "focus"]
    private static let longestName = 64

    /// Reads a change, strictly: what is left out stays.
    package func changed(reading body: JSONValue) throws(FieldFault) -> CompositeContent {
        try body.allow(Self.members, in: nil)
        return try changed(by: body)
    }

    fileprivate init(inputs: [Input], changedBy body: JSONValue) throws(FieldFault) {
        self = try CompositeContent(inputs: inputs).changed(by: body)
    }

    private func changed(by body: JSONValue) throws(FieldFault) -> CompositeContent {
        var result = self
        if let member = body["inputs"], !member.isNull { result.inputs = try Self.inputs(member) }
        if let member = body["layout"], !member.isNull { result.layout = try CompositeLayout(reading: member) }
        guard let member = body["focus"], !member.isNull else { return result }
        guard let focus = member.string.flatMap({ StreamID(named: $0) }), result.inputs.contains(where: { $0.stream == focus }) else {
            throw FieldFault("focus", "the stream of one of the inputs")
        }
        result.focus = focus
        return result
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

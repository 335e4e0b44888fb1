package import Bridge
package import BridgeModel

/// Reads what cameras and the bridge say to each other over a camera's socket: `{"type": …, "data": {…}}` (`signaling/schemas/cameras/`).
package enum CameraForm {
    /// No frame of a camera is longer.
    package static let frameBytes = 4096
    /// As far as an order may zoom.
    private static let zoom = 1.0...100.0
    private static let lines = 1...16_384
    private static let numbers = 1...9_007_199_254_740_991
    private static let codeBytes = 1...64
    private static let messageBytes = 1...500

    /// What an agent has sent; `frame` is nil when the text was no JSON.
    package static func message(in frame: JSONValue?) throws(RTMFault) -> CameraSocketMessage {
        let (type, data) = try parts(of: frame)
        do throws(RTMError) {
            switch type {
            case "hello": return .hello(try abilities(data.object("abilities")))
            case "done": return .done(try number(data))
            case "refused": return .refused(try number(data), try refusal(data))
            case "health": return .health(try health(data))
            default: break
            }
        } catch {
            throw RTMFault(error, inReplyTo: type, isBadMessage: true)
        }
        throw RTMFault(RTMError(.unknownType, "no such message type", field: "type"), inReplyTo: String(type.prefix(64)))
    }

    /// What a bridge has sent to an agent; nil for what needs no answer.
    package static func instruction(in frame: JSONValue?) -> CameraInstruction? {
        guard let (type, data) = try? parts(of: frame), type == "order", let number = try? number(data) else { return nil }
        do throws(RTMError) {
            return .order(number, try order(data.object("order")))
        } catch {
            return .unknown(number, BridgeError(.invalidField, "This camera does not understand the order: \(error.message)."))
        }
    }

    /// An order, from the members of an object; errors name them without the object.
    package static func order(in object: JSONValue) throws(RTMError) -> CameraOrder { try order(RoomFields(object, path: nil)) }

    static func order(_ data: RoomFields) throws(RTMError) -> CameraOrder {
        switch try data.text("type") {
        case "publish": return .publish(greatestHeight: try data.optionalInteger("max_height", lines))
        case "idle": return .idle
        case "torch": return .torch(try data.flag("on"))
        case "zoom":
            guard let factor = try data.optionalNumber("factor", zoom) else { throw data.missing("factor") }
            return .zoom(factor)
        case "rotate":
            guard let degrees = try data.optionalInteger("degrees", 0...270) else { throw data.missing("degrees") }
            guard let rotation = PictureRotation(rawValue: degrees) else { throw data.invalid("degrees", "0, 90, 180 or 270") }
            return .rotate(rotation)
        case "mute":
            guard let kind = MediaKind(rawValue: try data.text("kind")) else { throw data.invalid("kind", "audio or video") }
            return .mute(kind, try data.flag("muted"))
        case "talk":
            guard let name = try data.optionalText("stream", 1...128) else { return .talk(nil) }
            return .talk(StreamID(name))
        default: throw data.invalid("type", "publish, idle, torch, zoom, rotate, mute or talk")
        }
    }

    // MARK: - Parts

    private static func parts(of frame: JSONValue?) throws(RTMFault) -> (type: String, data: RoomFields) {
        guard let frame, case .object = frame else {
            throw RTMFault(RTMError(.malformedJSON, "frame is not a JSON object"), inReplyTo: nil, isBadMessage: true)
        }
        guard let type = frame["type"]?.string else {
            throw RTMFault(RTMError(.missingField, "type is missing or no text", field: "type"), inReplyTo: nil, isBadMessage: true)
        }
        guard let data = frame["data"], case .object = data else {
            let error = RTMError(.missingField, "data is missing or no object", field: "data")
            throw RTMFault(error, inReplyTo: String(type.prefix(64)), isBadMessage: true)
        }
        return (type, RoomFields(data, path: "data"))
    }

    private static func number(_ data: RoomFields) throws(RTMError) -> Int {
        guard let number = try data.optionalInteger("number", numbers) else { throw data.missing("number") }
        return number
    }

    private static func abilities(_ data: RoomFields) throws(RTMError) -> CameraAbilities {
        var mutes: Set<MediaKind> = []
        for item in try data.optionalList("mute", limit: MediaKind.allCases.count) ?? [] {
            guard let kind = item.string.flatMap(MediaKind.init(rawValue:)) else { throw data.invalid("mute", "a list of audio and video") }
            mutes.insert(kind)
        }
        return CameraAbilities(
            publishes: try data.optionalFlag("publish") ?? false, torch: try data.optionalFlag("torch") ?? false,
            greatestZoom: try data.optionalNumber("zoom", zoom) ?? 1, rotates: try data.optionalFlag("rotate") ?? false, mutes: mutes,
            talks: try data.optionalFlag("talk") ?? false)
    }

    /// What a camera says goes to people: one line, by a code that they may meet.
    private static func refusal(_ data: RoomFields) throws(RTMError) -> BridgeError {
        let code = BridgeError.Code(rawValue: try data.text("code", codeBytes)) ?? .unavailable
        let message = try data.text("msg", messageBytes)
        guard message.isOneLine else { throw data.invalid("msg", "one line") }
        return BridgeError(code, "The camera says: \(message)")
    }
}

/// What an agent is told.
package enum CameraInstruction: Sendable, Equatable {
    case order(Int, CameraOrder)
    /// One that this version does not know: it is refused.
    case unknown(Int, BridgeError)
}

package import Bridge
package import BridgeModel

/// Writes what cameras and the bridge say to each other over a camera's socket.
package enum CameraMessage {
    /// The agent's first frame.
    package static func hello(_ abilities: CameraAbilities) -> JSONValue {
        var members = members(of: abilities)
        members["publish"] = .bool(abilities.publishes)
        return frame("hello", ["abilities": .object(members)])
    }

    /// An order was carried out.
    package static func done(_ number: Int) -> JSONValue { frame("done", ["number": value(number)]) }

    /// An order was not carried out. The message has at most 500 bytes.
    package static func refused(_ number: Int, _ error: BridgeError) -> JSONValue {
        var message = error.message
        while message.utf8.count > 500 { message.removeLast() }
        return frame("refused", ["number": value(number), "code": .string(error.code.rawValue), "msg": .string(message)])
    }

    /// What a camera is to do.
    package static func order(_ number: Int, _ order: CameraOrder) -> JSONValue {
        frame("order", ["number": value(number), "order": value(order)])
    }

    /// A frame of the camera was not taken.
    package static func refusal(_ fault: RTMFault) -> JSONValue {
        let error = fault.error
        return frame(
            "refused",
            [
                "code": .string(error.code.rawValue), "msg": .string(error.message),
                "in_reply_to": fault.inReplyTo.map(JSONValue.string) ?? .null, "field": error.field.map(JSONValue.string) ?? .null,
            ])
    }

    // MARK: - Values

    /// What a camera can be told, as rooms and the native API show it.
    package static func value(_ abilities: CameraAbilities) -> JSONValue { .object(members(of: abilities)) }

    /// An order.
    package static func value(_ order: CameraOrder) -> JSONValue {
        switch order {
        case .publish(let height): ["type": "publish", "max_height": height.map(value) ?? .null]
        case .idle: ["type": "idle"]
        case .torch(let isOn): ["type": "torch", "on": .bool(isOn)]
        case .zoom(let factor): ["type": "zoom", "factor": .number(factor)]
        case .rotate(let rotation): ["type": "rotate", "degrees": value(rotation.rawValue)]
        case .mute(let kind, let isMuted): ["type": "mute", "kind": .string(kind.rawValue), "muted": .bool(isMuted)]
        case .talk(let stream): ["type": "talk", "stream": stream.map { .string($0.rawValue) } ?? .null]
        }
    }

    private static func members(of abilities: CameraAbilities) -> [String: JSONValue] {
        [
            "torch": .bool(abilities.torch), "zoom": .number(abilities.greatestZoom), "rotate": .bool(abilities.rotates),
            "mute": .array(MediaKind.allCases.filter(abilities.mutes.contains).map { .string($0.rawValue) }),
            "talk": .bool(abilities.talks),
        ]
    }

    private static func frame(_ type: String, _ data: JSONValue) -> JSONValue { ["type": .string(type), "data": data] }

    private static func value(_ number: Int) -> JSONValue { .number(Double(number)) }
}

package import Bridge
import BridgeModel

/// Reads the `data` of inbound messages (streamrec contract, 6.3 and sections 10 and 12).
package struct RTMForm: Sendable, Equatable {
    /// What webhook and upload URLs are judged by on receipt; their addresses are, at each delivery.
    package var urls: AddressRules

    package init(urls: AddressRules = AddressRules()) { self.urls = urls }

    /// Longest SDP, in bytes (section 10).
    package static let maximumDescriptionBytes = 128 * 1024
    /// Longest candidate line, in bytes; real ones stay below 300.
    package static let maximumCandidateBytes = 1024

    /// The message in this envelope, which a socket of `path` brought.
    package func request(in envelope: RTMEnvelope, on path: RTMPath) throws(RTMFault) -> RTMRequest {
        do {
            return try body(of: envelope.kind, data: envelope.data, on: path)
        } catch {
            throw RTMFault(error, inReplyTo: envelope.kind.rawValue, isBadMessage: Self.isBad(error))
        }
    }

    private func body(of kind: RTMRequest.Kind, data: JSONValue, on path: RTMPath) throws(RTMError) -> RTMRequest {
        switch kind {
        case .sessionStart:
            var opening = try opening(data)
            if path == .native { opening.wantsLayers = try truth(data["layers"], "data.layers") }
            return .sessionStart(opening)
        case .supervisorJoin:
            let monitored = try requiredText(data["session_id_to_monitor"], "data.session_id_to_monitor")
            return .supervisorJoin(try opening(data), monitored: SessionID(monitored))
        case .descriptionUpdate:
            return .descriptionUpdate(try description(data["sdp"]))
        case .candidate:
            return .candidate(try candidate(data))
        case .recordingStart:
            return .recordingStart(try order(data))
        case .recordingStop:
            return .recordingStop(try optionalText(data["rec_id"], "data.rec_id").map(RecordingID.init))
        case .layerSelect:
            return .layerSelect(try choice(data))
        case .sessionStop:
            return .sessionStop
        }
    }

    /// A frame counts as bad when its form is wrong. A candidate that does not parse or a refused URL is a mistake in one value, which
    /// honest clients make over and over without being broken.
    private static func isBad(_ error: RTMError) -> Bool {
        switch error.code {
        case .missingField: true
        case .invalidField: error.field != "data.candidate"
        default: false
        }
    }

    private func opening(_ data: JSONValue) throws(RTMError) -> SessionOpening {
        let description = try description(data["sdp"])
        guard description.kind == .offer else {
            throw RTMError(.invalidField, "data.sdp.type must be offer", field: "data.sdp.type")
        }
        return SessionOpening(
            offer: description.sdp, webhookURL: try url(data["webhook_url"], "data.webhook_url"),
            version: try optionalText(data["version"], "data.version"))
    }

    private func description(_ member: JSONValue?) throws(RTMError) -> SessionDescription {
        guard let member, !member.isNull else { throw RTMError(.missingField, "data.sdp is missing", field: "data.sdp") }
        guard case .object = member else { throw RTMError(.invalidField, "data.sdp must be an object", field: "data.sdp") }
        let type = try requiredText(member["type"], "data.sdp.type")
        guard let kind = SessionDescription.Kind(rawValue: type) else {
            throw RTMError(.invalidField, "data.sdp.type must be offer or answer", field: "data.sdp.type")
        }
        let sdp = try requiredText(member["sdp"], "data.sdp.sdp")
        guard sdp.utf8.count <= Self.maximumDescriptionBytes else {
            throw RTMError(.invalidField, "data.sdp.sdp is longer than \(Self.maximumDescriptionBytes) bytes", field: "data.sdp.sdp")
        }
        return SessionDescription(kind: kind, sdp: sdp)
    }

    private func order(_ data: JSONValue) throws(RTMError) -> RecordingStart {
        var order = RecordingStart(
            uploadURL: try url(data["upload_url"], "data.upload_url"), webhookURL: try url(data["webhook_url"], "data.webhook_url"))
        if let member = data["stream"], !member.isNull {
            guard let stream = member.integer, (0...2).contains(stream) else {
                throw RTMError(.invalidField, "data.stream must be 0, 1 or 2", field: "data.stream")
            }
            order.stream = stream
        }
        return order
    }

    private func url(_ member: JSONValue?, _ field: String) throws(RTMError) -> Redacted<String>? {
        guard let text = try optionalText(member, field) else { return nil }
        do throws(BridgeError) {
            _ = try DeliveryURL(parsing: Redacted(text), rules: urls)
        } catch {
            throw RTMError(.invalidURL, "\(field): \(error.message)", field: field)
        }
        return Redacted(text)
    }

    private func optionalText(_ member: JSONValue?, _ field: String) throws(RTMError) -> String? {
        guard let member, !member.isNull else { return nil }
        guard let text = member.string else { throw RTMError(.invalidField, "\(field) must be a string", field: field) }
        return text
    }

    /// An absent member is false.
    private func truth(_ member: JSONValue?, _ field: String) throws(RTMError) -> Bool {
        guard let member, !member.isNull else { return false }
        guard let value = member.bool else { throw RTMError(.invalidField, "\(field) must be true or false", field: field) }
        return value
    }

    private func requiredText(_ member: JSONValue?, _ field: String) throws(RTMError) -> String {
        guard let text = try optionalText(member, field) else { throw RTMError(.missingField, "\(field) is missing", field: field) }
        return text
    }
}

// MARK: - Layers

extension RTMForm {
    /// Members that are absent or null leave the bridge free.
    private func choice(_ data: JSONValue) throws(RTMError) -> LayerChoice {
        var choice = LayerChoice()
        choice.mid = try optionalText(data["mid"], "data.mid")
        choice.rid = try optionalText(data["rid"], "data.rid")
        choice.spatialID = try count(data, "spatial_id")
        choice.temporalID = try count(data, "temporal_id")
        choice.highestSpatialID = try count(data, "max_spatial_id")
        choice.highestTemporalID = try count(data, "max_temporal_id")
        choice.greatestWidth = try count(data, "max_width")
        choice.greatestHeight = try count(data, "max_height")
        guard [choice.mid, choice.rid].allSatisfy({ ($0?.utf8.count ?? 0) <= Self.maximumIdentificationBytes }) else {
            throw RTMError(.invalidField, "data.mid and data.rid have at most \(Self.maximumIdentificationBytes) bytes", field: "data")
        }
        return choice
    }

    /// A choice is sent back: a frame must not make a long reply.
    static let maximumIdentificationBytes = 64

    private func count(_ data: JSONValue, _ name: String) throws(RTMError) -> Int? {
        guard let member = data[name], !member.isNull else { return nil }
        guard let number = member.integer, (0...65_535).contains(number) else {
            throw RTMError(.invalidField, "data.\(name) must be an integer from 0 to 65535", field: "data.\(name)")
        }
        return number
    }
}

// MARK: - Candidates

extension RTMForm {
    private static let candidateFault = RTMError(.invalidField, "data.candidate is not an ICE candidate", field: "data.candidate")

    /// `RTCIceCandidateInit`, or null for the end of candidates. An absent member is neither.
    private func candidate(_ data: JSONValue) throws(RTMError) -> IceCandidate {
        guard let member = data["candidate"] else {
            throw RTMError(.missingField, "data.candidate is missing", field: "data.candidate")
        }
        if member.isNull || member.string == "" { return .end }
        guard let line = member["candidate"]?.string, line.utf8.count <= Self.maximumCandidateBytes else { throw Self.candidateFault }
        let mid = try optional(member["sdpMid"], \.string)
        let index = try optional(member["sdpMLineIndex"]) { $0.integer.flatMap(UInt16.init(exactly:)) }
        guard line.isEmpty || Self.looksLikeCandidate(line) else { throw Self.candidateFault }
        return IceCandidate(candidate: line, sdpMid: mid, sdpMLineIndex: index)
    }

    private func optional<Value>(_ member: JSONValue?, _ read: (JSONValue) -> Value?) throws(RTMError) -> Value? {
        guard let member, !member.isNull else { return nil }
        guard let value = read(member) else { throw Self.candidateFault }
        return value
    }

    /// The fixed part of RFC 8839 section 5.1: foundation, component, transport, priority, address, port, `typ`, type. What the values
    /// mean is the engine's to judge.
    private static func looksLikeCandidate(_ line: String) -> Bool {
        let text = line.hasPrefix("a=") ? line.dropFirst(2) : line[...]
        guard text.hasPrefix("candidate:"), text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return false }
        let parts = text.dropFirst("candidate:".count).split(separator: " ")
        guard parts.count >= 8, parts[6] == "typ" else { return false }
        return UInt16(parts[1]) != nil && UInt32(parts[3]) != nil && UInt16(parts[5]) != nil
    }
}

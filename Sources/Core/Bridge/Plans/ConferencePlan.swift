package import BridgeModel

/// webrtcbin as the offerer of a stream, which it only sends. The far end's fingerprints come with its answer.
package struct ConferencePlan: Codable, Sendable, Equatable {
    /// One section each, in this order.
    package var tracks: [ViewTrack]
    package var identity: DTLSIdentity
    package var ice: IceSettings

    package init(tracks: [ViewTrack], identity: DTLSIdentity, ice: IceSettings) {
        self.tracks = tracks
        self.identity = identity
        self.ice = ice
    }

    /// Payload types of formats whose number an offer leaves to its author (RFC 3551 section 6).
    private static let dynamicTypes: ClosedRange<UInt8> = 96...127

    /// The tracks of a stream with payload types that differ, since they share a transport: their own where that is possible. AAC is left out:
    /// conferences are of browsers, which do not take it. `audioLevel` is that of the sound's `ViewTrack`.
    package static func tracks(of stream: [TrackDescription], audioLevel: UInt8? = nil) -> [ViewTrack] {
        var taken: Set<UInt8> = []
        return stream.filter { $0.codec != .aac }.enumerated().map { section, track in
            let own = taken.contains(track.payloadType) ? nil : track.payloadType
            let type = own ?? dynamicTypes.first { !taken.contains($0) } ?? track.payloadType
            taken.insert(type)
            return ViewTrack(
                source: track, payloadType: type, mid: String(section), audioLevel: track.kind == .audio ? audioLevel : nil)
        }
    }

    /// The offer with the format parameters of the tracks and their loudness, which webrtcbin does not know of, and without the congestion feedback
    /// that it names and cannot use: what is offered is exactly what is sent.
    package func completing(offer: String) -> String {
        var lines: [Substring] = []
        for line in offer.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline) {
            if line.hasPrefix("a=rtcp-fb:"), line.hasSuffix(" transport-cc") { continue }
            lines.append(line)
            guard line.hasPrefix("a=rtpmap:") else { continue }
            let type = line.dropFirst("a=rtpmap:".count).prefix { $0 != " " }
            guard let track = tracks.first(where: { String($0.payloadType) == type }) else { continue }
            if !track.source.formatParameters.isEmpty { lines.append("a=fmtp:\(type) \(track.source.formatParameters)") }
            // Nobody listens for a voice among other sounds here (RFC 6464 section 4).
            if let extensionLine = track.audioLevelLine { lines.append("\(extensionLine) vad=off") }
        }
        return lines.map { $0 + "\r\n" }.joined()
    }

    /// Whether an answer to the offer takes the loudness of packets: else they must not carry it (RFC 8285 section 5).
    package func tellsAudioLevels(by answer: String) -> Bool {
        let lines = answer.split(whereSeparator: \.isNewline)
        return tracks.compactMap(\.audioLevelLine).contains { wanted in lines.contains { $0.hasPrefix(wanted) } }
    }
}

extension ViewTrack {
    fileprivate var audioLevelLine: String? { audioLevel.map { "a=extmap:\($0) \(HeaderExtensionKind.audioLevel.uri)" } }
}

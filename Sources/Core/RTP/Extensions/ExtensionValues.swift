internal import BridgeModel

/// What a packet's header extensions say, of the kinds that the bridge acts on for each packet. What tells the packet's track is in `ExtensionIdentity`.
package struct ExtensionValues: Equatable, Sendable {
    /// The audio level of a client (RFC 6464 section 3).
    package struct AudioLevel: Equatable, Sendable {
        /// 0...127, in -dBov: 127 is silence.
        package var level: UInt8
        /// What the encoder's voice detector says.
        package var hasVoice: Bool

        package init(level: UInt8, hasVoice: Bool) {
            self.level = level
            self.hasVoice = hasVoice
        }
    }

    /// When a frame was captured, and by how much the clock of its first sender is off the sender's own.
    package struct CaptureTime: Equatable, Sendable {
        /// 32.32 fixed point, seconds since 1900.
        package var ntp: UInt64
        /// Signed 32.32 fixed point, seconds; nil when the first sender sends itself.
        package var clockOffset: Int64?

        package init(ntp: UInt64, clockOffset: Int64? = nil) {
            self.ntp = ntp
            self.clockOffset = clockOffset
        }
    }

    /// 24 bits of 6.18 fixed-point seconds: it wraps every 64 s.
    package var absoluteSendTime: UInt32?
    package var transportSequence: UInt16?
    package var audioLevel: AudioLevel?
    /// The CVO byte: camera, flip and rotation.
    package var videoOrientation: UInt8?
    package var captureTime: CaptureTime?

    package init() {}

    /// Reads what `map` has identifiers for. A value of a wrong size is as if it were not there; of two of a kind the last one holds.
    package init(_ packet: RTPPacketView, map: ExtensionMap) {
        for element in HeaderExtensionElements(packet) { read(element, map) }
    }

    private mutating func read(_ element: HeaderExtensionElements.Element, _ map: ExtensionMap) {
        let value = element.value
        switch map.kind(of: element.identifier) {
        case .transportSequence?:
            // Version 2 of the extension adds a request for feedback behind the number.
            if value.count >= 2 { transportSequence = value.uint16(at: 0) }
        case .absoluteSendTime?:
            if value.count == 3 { absoluteSendTime = UInt32(value[0]) << 16 | UInt32(value.uint16(at: 1)) }
        case .audioLevel?:
            if let first = value.first { audioLevel = AudioLevel(level: first & 0x7F, hasVoice: first & 0x80 != 0) }
        case .videoOrientation?:
            if let first = value.first { videoOrientation = first }
        case .absoluteCaptureTime?:
            guard value.count == 8 || value.count == 16 else { return }
            captureTime = CaptureTime(
                ntp: value.uint64(at: 0), clockOffset: value.count == 16 ? Int64(bitPattern: value.uint64(at: 8)) : nil)
        // The dependency descriptor's meaning depends on earlier packets: who needs it reads it by itself.
        case .mid?, .streamID?, .repairedStreamID?, .dependencyDescriptor?, nil: return
        }
    }
}

/// What a packet's header extensions say about the track and the encoding that it belongs to: read while its SSRC is new.
package struct ExtensionIdentity: Equatable, Sendable {
    package var mid: ExtensionToken?
    /// The encoding of a media packet.
    package var rid: ExtensionToken?
    /// The encoding that a retransmission repairs.
    package var repairedRID: ExtensionToken?

    package init(mid: ExtensionToken? = nil, rid: ExtensionToken? = nil, repairedRID: ExtensionToken? = nil) {
        self.mid = mid
        self.rid = rid
        self.repairedRID = repairedRID
    }

    /// Reads what `map` has identifiers for. A token that is empty or too long is as if it were not there.
    package init(_ packet: RTPPacketView, map: ExtensionMap) {
        for element in HeaderExtensionElements(packet) {
            switch map.kind(of: element.identifier) {
            case .mid?: mid = ExtensionToken(element.value)
            case .streamID?: rid = ExtensionToken(element.value)
            case .repairedStreamID?: repairedRID = ExtensionToken(element.value)
            default: continue
            }
        }
    }
}

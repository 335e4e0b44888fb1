internal import BridgeModel

/// What a packet's header extensions say, of the kinds that the bridge acts on; read once a packet.
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

    package var mid: ExtensionToken?
    package var rid: ExtensionToken?
    package var repairedRID: ExtensionToken?
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
        for element in HeaderExtensionElements(packet) {
            guard let kind = map.kind(of: element.identifier) else { continue }
            read(kind, element.value)
        }
    }

    /// What a packet needs to be told apart while its SSRC is new: MID, RID and repaired RID. The rest is read for every packet.
    package struct Identity: Equatable, Sendable {
        package var mid: ExtensionToken?
        package var rid: ExtensionToken?
        package var repairedRID: ExtensionToken?

        package init(mid: ExtensionToken? = nil, rid: ExtensionToken? = nil, repairedRID: ExtensionToken? = nil) {
            self.mid = mid
            self.rid = rid
            self.repairedRID = repairedRID
        }
    }

    /// The part that tells the packet's track and layer.
    package var identity: Identity { Identity(mid: mid, rid: rid, repairedRID: repairedRID) }

    private mutating func read(_ kind: HeaderExtensionKind, _ value: UnsafeRawBufferPointer) {
        switch kind {
        case .mid: mid = ExtensionToken(value)
        case .streamID: rid = ExtensionToken(value)
        case .repairedStreamID: repairedRID = ExtensionToken(value)
        case .absoluteSendTime:
            guard value.count == 3 else { return }
            absoluteSendTime = UInt32(value[0]) << 16 | UInt32(value.uint16(at: 1))
        case .transportSequence:
            // Version 2 of the extension adds a request for feedback behind the number.
            guard value.count >= 2 else { return }
            transportSequence = value.uint16(at: 0)
        case .audioLevel:
            guard let first = value.first else { return }
            audioLevel = AudioLevel(level: first & 0x7F, hasVoice: first & 0x80 != 0)
        case .videoOrientation:
            guard let first = value.first else { return }
            videoOrientation = first
        case .absoluteCaptureTime:
            guard value.count == 8 || value.count == 16 else { return }
            captureTime = CaptureTime(
                ntp: value.uint64(at: 0), clockOffset: value.count == 16 ? Int64(bitPattern: value.uint64(at: 8)) : nil)
        // Its meaning depends on the stream's earlier packets: who needs it reads it by itself.
        case .dependencyDescriptor: break
        }
    }
}

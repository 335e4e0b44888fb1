package import BridgeModel

/// Puts the pictures of a video stream together from RTP packets, as files hold them. What the packets of a codec look like, `Picture` knows.
///
/// Packets come in the order of their sequence numbers. A picture is the run of packets with one timestamp, up to the marker; one of which packets are
/// missing is dropped. A value without IO.
package struct FrameDepacketizer<Picture: PictureAssembly>: Sendable {
    /// The picture that is being put together, and what is kept from one to the next.
    private var picture: Picture
    private var open: (timestamp: UInt32, time: MonotonicTime)?
    /// Of the open picture: packets are missing, or were malformed.
    private var isDamaged = false
    /// Packets are missing between the last one and the next.
    private var hasLost = false

    package init(_ picture: Picture) { self.picture = picture }

    /// Takes a packet's payload, and gives complete pictures to `deliver`: the packet's own with its marker, and the one before it where that came without.
    ///
    /// Throws when this packet or the picture before it is of no use: what follows needs a keyframe. The rest of a damaged picture is passed over.
    package mutating func take(
        _ payload: UnsafeRawBufferPointer, of packet: PacketMoment, deliver: (DepacketizedFrame) -> Void
    ) throws(DepacketizerFailure) {
        hasLost = hasLost || packet.isAfterGap
        // Padding alone, by which senders probe for bandwidth.
        guard !payload.isEmpty else { return }
        var failure: DepacketizerFailure?
        if let open, open.timestamp != packet.timestamp {
            if hasLost { isDamaged = true }
            if !close(deliver) { failure = .incomplete }
        }
        if open == nil {
            picture.begin(isAfterLoss: hasLost)
            (open, isDamaged) = ((packet.timestamp, packet.time), false)
        } else if hasLost {
            isDamaged = true
        }
        hasLost = false
        if !isDamaged {
            do throws(DepacketizerFailure) {
                guard picture.count + payload.count <= largestPicture else { throw .tooLarge }
                try picture.add(payload)
            } catch {
                isDamaged = true
                failure = error
            }
        }
        if packet.marker, !close(deliver), failure == nil { failure = .incomplete }
        if let failure { throw failure }
    }

    /// Ends the open picture. False when it was of no use.
    private mutating func close(_ deliver: (DepacketizedFrame) -> Void) -> Bool {
        guard let ended = open else { return true }
        open = nil
        guard !isDamaged, let whole = picture.end() else { return false }
        deliver(DepacketizedFrame(time: ended.time, isKeyframe: whole.isKeyframe, bytes: whole.bytes, format: whole.format))
        return true
    }
}

/// Larger pictures are not believed, bytes.
package let largestPicture = 16 * 1024 * 1024

/// What a packet's header and the hub say of a payload.
package struct PacketMoment: Sendable, Equatable {
    package var timestamp: UInt32
    /// When it is presented.
    package var time: MonotonicTime
    package var marker: Bool
    /// Packets before it are missing.
    package var isAfterGap: Bool

    package init(timestamp: UInt32, time: MonotonicTime, marker: Bool, isAfterGap: Bool = false) {
        self.timestamp = timestamp
        self.time = time
        self.marker = marker
        self.isAfterGap = isAfterGap
    }
}

/// A picture, with all its layers.
package struct DepacketizedFrame: Sendable, Equatable {
    /// When it is shown, as was said with its first packet.
    package var time: MonotonicTime
    /// Decoding can begin here.
    package var isKeyframe: Bool
    package var bytes: [UInt8]
    /// Of keyframes: what the pictures from here on are.
    package var format: PictureFormat?

    package init(time: MonotonicTime, isKeyframe: Bool, bytes: [UInt8], format: PictureFormat?) {
        self.time = time
        self.isKeyframe = isKeyframe
        self.bytes = bytes
        self.format = format
    }
}

/// What a file's header says of a video track.
package struct PictureFormat: Sendable, Equatable {
    package var size: PictureSize
    /// `avcC`; empty where the codec needs none.
    package var codecPrivate: [UInt8]

    package init(size: PictureSize, codecPrivate: [UInt8] = []) {
        self.size = size
        self.codecPrivate = codecPrivate
    }
}

/// Why a packet or its picture was dropped.
package enum DepacketizerFailure: Error, Sendable, Equatable {
    /// A header or a length that contradicts itself.
    case malformed
    /// The picture grows beyond `largestPicture`.
    case tooLarge
    /// A part of the picture did not come.
    case incomplete
}

/// A codec's way from payloads to a picture.
package protocol PictureAssembly: Sendable {
    /// Bytes until now.
    var count: Int { get }
    /// A new picture begins; with `isAfterLoss` packets before it are missing, perhaps its own first ones.
    mutating func begin(isAfterLoss: Bool)
    /// Adds the next payload, which is not empty. After a failure the picture is given up.
    mutating func add(_ payload: UnsafeRawBufferPointer) throws(DepacketizerFailure)
    /// The picture as files hold it; nil when a part is missing.
    mutating func end() -> AssembledPicture?
}

/// A picture that is complete.
package struct AssembledPicture: Sendable, Equatable {
    package var bytes: [UInt8]
    package var isKeyframe: Bool
    package var format: PictureFormat?
}

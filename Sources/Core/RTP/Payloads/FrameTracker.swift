/// Finds frames and keyframes in one track's packets, in the order in which they arrive.
///
/// A frame is the run of packets with one timestamp: that holds for all codecs here, also where the marker bit is set on each slice. A keyframe is
/// reported once, at the packet that shows it; its frame may have begun some packets earlier (parameter sets, an access unit delimiter).
package struct FrameTracker: Sendable {
    private var timestamp: UInt32?
    private var isKeyframe = false

    package init() {}

    /// What one packet means for its track.
    package struct Observation: Equatable, Sendable {
        /// First packet of a frame.
        package var beginsFrame = false
        /// Last packet of a frame, by the marker bit; a lost marker leaves it out, so that the next frame's beginning must be looked at too.
        package var endsFrame = false
        /// The frame was not known to be a keyframe before this packet.
        package var revealsKeyframe = false

        package init(beginsFrame: Bool = false, endsFrame: Bool = false, revealsKeyframe: Bool = false) {
            self.beginsFrame = beginsFrame
            self.endsFrame = endsFrame
            self.revealsKeyframe = revealsKeyframe
        }
    }

    /// Takes the next packet of the track.
    package mutating func observe(timestamp: UInt32, marker: Bool, traits: PayloadTraits) -> Observation {
        let beginsFrame = timestamp != self.timestamp
        if beginsFrame {
            self.timestamp = timestamp
            isKeyframe = false
        }
        let revealsKeyframe = traits.contains(.keyframe) && !isKeyframe
        if revealsKeyframe { isKeyframe = true }
        return Observation(beginsFrame: beginsFrame, endsFrame: marker, revealsKeyframe: revealsKeyframe)
    }
}

/// A tiny H.264 stream, constrained baseline, one grey tone a GOP: all that a decoder needs, written bit by bit. Filler data (NAL unit type 12) brings it
/// to any bit rate.
package enum H264Picture {
    /// Macroblocks of 16 pixels.
    private static let (columns, rows) = (10, 6)
    /// `log2_max_frame_num`.
    private static let frameNumberBits = 4
    /// NAL unit headers: reference units of the highest importance, filler of none (H.264 table 7-1).
    private enum Header {
        static let sequenceParameterSet: UInt8 = 0x67
        static let pictureParameterSet: UInt8 = 0x68
        static let idrSlice: UInt8 = 0x65
        static let slice: UInt8 = 0x61
    }

    /// The header of a filler data unit; its bytes follow.
    package static let fillerHeader: UInt8 = 12
    /// What the SPS says: profile, constraints and level of `profile-level-id`.
    package static let profileLevelID = "42e01f"

    /// `seq_parameter_set_rbsp` (section 7.3.2.1.1).
    package static let sequenceParameterSet: [UInt8] = {
        var bits = BitWriter()
        bits.append(0x42E01F, count: 24)
        bits.appendUnsigned(0)  // seq_parameter_set_id
        bits.appendUnsigned(UInt32(frameNumberBits - 4))
        bits.appendUnsigned(2)  // pic_order_cnt_type: output order is decoding order
        bits.appendUnsigned(1)  // max_num_ref_frames
        bits.append(0, count: 1)  // gaps_in_frame_num_value_allowed_flag
        bits.appendUnsigned(UInt32(columns - 1))
        bits.appendUnsigned(UInt32(rows - 1))
        bits.append(0b1100, count: 4)  // frame_mbs_only, direct_8x8_inference, no cropping, no VUI
        return bits.unit(Header.sequenceParameterSet)
    }()

    /// `pic_parameter_set_rbsp` (section 7.3.2.2).
    package static let pictureParameterSet: [UInt8] = {
        var bits = BitWriter()
        bits.appendUnsigned(0)  // pic_parameter_set_id
        bits.appendUnsigned(0)  // seq_parameter_set_id
        bits.append(0, count: 2)  // CAVLC, no field order
        bits.appendUnsigned(0)  // one slice group
        bits.appendUnsigned(0)  // one reference picture in list 0
        bits.appendUnsigned(0)  // and in list 1
        bits.append(0, count: 3)  // no weighted prediction
        for _ in 0..<3 { bits.appendSigned(0) }  // quantisers 26, chroma as luma
        bits.append(0, count: 3)  // no deblocking control, no constrained prediction, no redundant pictures
        return bits.unit(Header.pictureParameterSet)
    }()

    /// An IDR picture (section 7.3.3): intra 16x16 by the mean of the neighbours, so that the one coefficient of the first macroblock sets the tone of all.
    /// `number` counts the keyframes: neighbours have different `idr_pic_id`s and tones.
    package static func keyframe(number: Int) -> [UInt8] {
        let isOdd = !number.isMultiple(of: 2)
        var bits = BitWriter()
        bits.appendUnsigned(0)  // first_mb_in_slice
        bits.appendUnsigned(7)  // slice_type: all I
        bits.appendUnsigned(0)  // pic_parameter_set_id
        bits.append(0, count: frameNumberBits)
        bits.appendUnsigned(isOdd ? 1 : 0)  // idr_pic_id
        bits.append(0, count: 2)  // dec_ref_pic_marking
        bits.appendSigned(18)  // slice_qp_delta: quantiser 44, so that a small level is a visible step
        for macroblock in 0..<columns * rows {
            bits.appendUnsigned(3)  // mb_type I_16x16_2_0_0: DC prediction, no AC, no chroma
            bits.appendUnsigned(0)  // intra_chroma_pred_mode: DC
            bits.appendSigned(0)  // mb_qp_delta
            if macroblock == 0 { appendTone(isOdd ? -6 : 6, to: &bits) } else { bits.append(1, count: 1) }  // coeff_token: nothing
        }
        return bits.unit(Header.idrSlice)
    }

    /// A picture that repeats the one before it: P, every macroblock skipped. `number` counts from the keyframe, which is 0.
    package static func repetition(number: Int) -> [UInt8] {
        var bits = BitWriter()
        bits.appendUnsigned(0)  // first_mb_in_slice
        bits.appendUnsigned(5)  // slice_type: all P
        bits.appendUnsigned(0)  // pic_parameter_set_id
        bits.append(UInt32(truncatingIfNeeded: number) & (1 << frameNumberBits - 1), count: frameNumberBits)
        bits.append(0, count: 3)  // one reference, in its usual order; no adaptive marking
        bits.appendSigned(0)  // slice_qp_delta
        bits.appendUnsigned(UInt32(columns * rows))  // mb_skip_run
        return bits.unit(Header.slice)
    }

    /// One DC coefficient of `level`, 2...8 or -2...-8, in CAVLC (section 9.2): one coefficient that is no trailing one, no zeros before it.
    private static func appendTone(_ level: Int, to bits: inout BitWriter) {
        bits.append(0b000101, count: 6)  // coeff_token: one coefficient
        // levelCode less 2, as the first level after no trailing ones is never 1 (section 9.2.2.1).
        let code = level > 0 ? 2 * level - 4 : -2 * level - 3
        bits.append(1, count: code + 1)  // level_prefix
        bits.append(1, count: 1)  // total_zeros: none
    }
}

/// Writes the bits of a NAL unit.
struct BitWriter {
    private var bytes: [UInt8] = []
    private var partial: UInt8 = 0
    private var partialCount = 0

    /// The lowest `count` bits of `value`, up to 32, the highest first.
    mutating func append(_ value: UInt32, count: Int) {
        for bit in stride(from: count - 1, through: 0, by: -1) {
            partial = partial << 1 | UInt8(truncatingIfNeeded: value >> UInt32(bit)) & 1
            partialCount += 1
            guard partialCount == 8 else { continue }
            bytes.append(partial)
            (partial, partialCount) = (0, 0)
        }
    }

    /// `ue(v)` (section 9.1).
    mutating func appendUnsigned(_ value: UInt32) {
        let code = value + 1
        append(code, count: 2 * (31 - code.leadingZeroBitCount) + 1)
    }

    /// `se(v)` (section 9.1.1).
    mutating func appendSigned(_ value: Int32) {
        appendUnsigned(value > 0 ? UInt32(2 * value - 1) : UInt32(-2 * value))
    }

    /// The bits behind their header, with the stop bit, and 3 before what would look like a start code (section 7.4.1).
    func unit(_ header: UInt8) -> [UInt8] {
        var ended = self
        ended.append(1, count: 1)
        while ended.partialCount > 0 { ended.append(0, count: 1) }
        var unit: [UInt8] = [header]
        var zeros = 0
        for byte in ended.bytes {
            if zeros >= 2, byte <= 3 {
                unit.append(3)
                zeros = 0
            }
            unit.append(byte)
            zeros = byte == 0 ? zeros + 1 : 0
        }
        return unit
    }
}

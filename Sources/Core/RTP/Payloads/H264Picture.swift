/// Puts an H.264 access unit together (RFC 6184: single NAL units, STAP-A and FU-A), each NAL unit behind its length in four bytes (ISO/IEC 14496-15).
///
/// In front of each IDR picture stand the parameter sets, also where the sender told them only once or in its SDP: a change of resolution stays
/// decodable, and so does every cluster by itself.
package struct H264Picture: PictureAssembly {
    private enum NALType {
        static let idrSlice: UInt8 = 5
        static let accessUnitDelimiter: UInt8 = 9
        static let stapA: UInt8 = 24
        static let fuA: UInt8 = 28
    }

    /// Coded slices, whole or in partitions (H.264 table 7-1).
    private static let slices: ClosedRange<UInt8> = 1...NALType.idrSlice
    /// Sequence and picture parameter sets.
    private static let sets: ClosedRange<UInt8> = 7...8
    /// Bytes of a NAL unit's length.
    private static let lengthSize = 4

    private var sets: H264ParameterSets
    private var bytes: [UInt8] = []
    /// Where the length of a unit stands whose end has not come yet.
    private var fragment: Int?
    /// Where the parameter sets belong: behind an access unit delimiter.
    private var setsPlace = 0
    private var presentSets: Set<H264ParameterSets.Name> = []
    private var isIDR = false
    private var hasSlice = false
    private var isAfterLoss = false

    /// `parameterSets`: NAL units that the sender told beforehand; what is none is left out.
    package init(parameterSets: [[UInt8]] = []) {
        sets = H264ParameterSets()
        for unit in parameterSets { unit.withUnsafeBytes { _ = sets.note($0) } }
    }

    package var count: Int { bytes.count }

    package mutating func begin(isAfterLoss: Bool) {
        bytes = []
        (fragment, setsPlace, isIDR, hasSlice) = (nil, 0, false, false)
        presentSets = []
        self.isAfterLoss = isAfterLoss
    }

    package mutating func add(_ payload: UnsafeRawBufferPointer) throws(DepacketizerFailure) {
        let type = payload[0] & 0x1F
        guard fragment == nil || type == NALType.fuA else { throw .incomplete }
        switch type {
        case 1...23: try addUnit(payload)
        case NALType.stapA: try addAggregate(payload)
        case NALType.fuA: try addFragment(payload)
        default: throw .malformed  // the interleaved mode, which WebRTC does not use (RFC 7742 section 6.2)
        }
    }

    package mutating func end() -> AssembledPicture? {
        guard fragment == nil, hasSlice else { return nil }
        guard isIDR, let format = sets.format else { return AssembledPicture(bytes: bytes, isKeyframe: false) }
        let missing = sets.units(without: presentSets)
        guard !missing.isEmpty else { return AssembledPicture(bytes: bytes, isKeyframe: true, format: format) }
        var whole = Array(bytes[..<setsPlace])
        for unit in missing { whole += Self.length(unit.count) + unit }
        whole += bytes[setsPlace...]
        return AssembledPicture(bytes: whole, isKeyframe: true, format: format)
    }

    private mutating func addUnit(_ unit: UnsafeRawBufferPointer) throws(DepacketizerFailure) {
        bytes += Self.length(unit.count)
        bytes.append(contentsOf: unit)
        try noteUnit(unit)
    }

    /// Units with a 16-bit size each (section 5.7.1).
    private mutating func addAggregate(_ payload: UnsafeRawBufferPointer) throws(DepacketizerFailure) {
        guard payload.count > 1 else { throw .malformed }
        var offset = 1
        while offset < payload.count {
            guard payload.count >= offset + 2 else { throw .malformed }
            let size = Int(payload.uint16(at: offset))
            guard size > 0, payload.count >= offset + 2 + size, (1...23).contains(payload[offset + 2] & 0x1F) else { throw .malformed }
            try addUnit(UnsafeRawBufferPointer(rebasing: payload[(offset + 2)..<(offset + 2 + size)]))
            offset += 2 + size
        }
    }

    /// Section 5.8: an indicator with the unit's importance, a header with its type and place, and its content.
    private mutating func addFragment(_ payload: UnsafeRawBufferPointer) throws(DepacketizerFailure) {
        guard payload.count > 2, (1...23).contains(payload[1] & 0x1F) else { throw .malformed }
        let (isFirst, isLast) = (payload[1] & 0x80 != 0, payload[1] & 0x40 != 0)
        guard isFirst == (fragment == nil) else { throw .incomplete }
        if isFirst {
            fragment = bytes.count
            bytes += Self.length(0)
            bytes.append(payload[0] & 0xE0 | payload[1] & 0x1F)
            if Self.slices.contains(payload[1] & 0x1F) { try noteSlice(type: payload[1] & 0x1F, content: payload[2]) }
        }
        bytes.append(contentsOf: payload.suffix(fromOffset: 2))
        guard isLast, let start = fragment else { return }
        fragment = nil
        let unit = start + Self.lengthSize
        bytes.replaceSubrange(start..<unit, with: Self.length(bytes.count - unit))
        guard Self.sets.contains(bytes[unit] & 0x1F) else { return }
        guard Array(bytes[unit...]).withUnsafeBytes({ noteSet($0) }) else { throw .malformed }
    }

    /// Takes note of a whole unit, the last one in `bytes`.
    private mutating func noteUnit(_ unit: UnsafeRawBufferPointer) throws(DepacketizerFailure) {
        switch unit[0] & 0x1F {
        case Self.slices:
            guard unit.count > 1 else { throw .malformed }
            try noteSlice(type: unit[0] & 0x1F, content: unit[1])
        case Self.sets: guard noteSet(unit) else { throw .malformed }
        case NALType.accessUnitDelimiter: if bytes.count == Self.lengthSize + unit.count { setsPlace = bytes.count }
        default: break
        }
    }

    private mutating func noteSet(_ unit: UnsafeRawBufferPointer) -> Bool {
        guard let name = sets.note(unit) else { return false }
        presentSets.insert(name)
        return true
    }

    /// After a loss a picture is believed to be whole when it begins with its first macroblock: `first_mb_in_slice`, ue(v), is a single 1.
    private mutating func noteSlice(type: UInt8, content: UInt8) throws(DepacketizerFailure) {
        guard hasSlice || !isAfterLoss || content & 0x80 != 0 else { throw .incomplete }
        hasSlice = true
        if type == NALType.idrSlice { isIDR = true }
    }

    private static func length(_ count: Int) -> [UInt8] {
        (0..<lengthSize).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
    }
}

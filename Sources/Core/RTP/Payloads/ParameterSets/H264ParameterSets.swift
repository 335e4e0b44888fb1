/// The parameter sets of an H.264 stream until now, the newest for each number.
struct H264ParameterSets: Sendable {
    /// A set's kind and number.
    enum Name: Hashable, Comparable, Sendable {
        case sequence(UInt8)
        case picture(UInt8)
    }

    /// Longer ones are not believed: the longest have some hundred bytes.
    private static let longestUnit = 4096
    /// `seq_parameter_set_id` (H.264 section 7.4.2.1.1) and what fits into `avcC`.
    private static let largestSequenceNumber: UInt32 = 30
    /// `pic_parameter_set_id` (section 7.4.2.2) and what fits into `avcC`.
    private static let largestPictureNumber: UInt32 = 254
    /// Profiles whose `avcC` tells the sampling (ISO/IEC 14496-15 section 5.3.3.1.2).
    private static let profilesWithSampling: Set<UInt8> = [100, 110, 122, 144, 244]

    private var units: [Name: [UInt8]] = [:]
    private var newest: H264SequenceParameterSet?
    /// Made anew when a set changes.
    private var record: [UInt8]?

    /// Keeps a NAL unit of type 7 or 8; nil when it cannot be read.
    mutating func note(_ unit: UnsafeRawBufferPointer) -> Name? {
        guard unit.count > 1, unit.count <= Self.longestUnit else { return nil }
        if let sequence = H264SequenceParameterSet(reading: unit) {
            guard sequence.id <= Self.largestSequenceNumber else { return nil }
            keep(unit, as: .sequence(UInt8(sequence.id)))
            newest = sequence
            return .sequence(UInt8(sequence.id))
        }
        guard unit[0] & 0x1F == 8 else { return nil }
        var reader = BitReader(unit, from: 1, skipsEmulationPrevention: true)
        let id = reader.exponentialGolomb()
        guard !reader.isExhausted, id <= Self.largestPictureNumber else { return nil }
        keep(unit, as: .picture(UInt8(id)))
        return .picture(UInt8(id))
    }

    /// Size and `avcC`; nil as long as a set of either kind is missing.
    var format: PictureFormat? {
        mutating get {
            guard let newest, units.keys.contains(where: \.isPicture) else { return nil }
            let bytes = record ?? makeRecord(newest)
            record = bytes
            return PictureFormat(size: newest.size, codecPrivate: bytes)
        }
    }

    /// Those that are not among `present`, in the order in which decoders need them.
    func units(without present: Set<Name>) -> [[UInt8]] {
        units.filter { !present.contains($0.key) }.sorted { $0.key < $1.key }.map(\.value)
    }

    private mutating func keep(_ unit: UnsafeRawBufferPointer, as name: Name) {
        guard units[name]?.elementsEqual(unit) != true else { return }
        units[name] = Array(unit)
        record = nil
    }

    /// An AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1.2) for lengths of four bytes.
    private func makeRecord(_ sequence: H264SequenceParameterSet) -> [UInt8] {
        let sorted = units.sorted { $0.key < $1.key }
        let (sequences, pictures) = (sorted.filter { !$0.key.isPicture }.map(\.value), sorted.filter(\.key.isPicture).map(\.value))
        let list = { (units: [[UInt8]]) in units.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 0xFF)] + $0 } }
        var record: [UInt8] = [1, sequence.profile, sequence.constraints, sequence.level, 0xFF, 0xE0 | UInt8(sequences.count)]
        record += list(sequences) + [UInt8(pictures.count)] + list(pictures)
        if Self.profilesWithSampling.contains(sequence.profile) {
            let sampling = sequence.sampling
            record += [0xFC | sampling.chromaFormat, 0xF8 | sampling.extraLumaBits, 0xF8 | sampling.extraChromaBits, 0]
        }
        return record
    }
}

extension H264ParameterSets.Name {
    fileprivate var isPicture: Bool {
        switch self {
        case .sequence: false
        case .picture: true
        }
    }
}

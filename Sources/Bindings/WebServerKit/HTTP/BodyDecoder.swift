/// Takes the framing off a request's body as its bytes come (RFC 9112, 6 and 7).
struct BodyDecoder {
    private enum State: Equatable {
        case length(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
        case trailer
        case done
    }

    private var state: State
    /// Bytes of trailers still allowed; they are read and dropped.
    private var trailerBudget: Int

    /// Longest chunk-size line taken, extensions included.
    private static let chunkLineLimit = 256

    init(_ framing: BodyFraming, trailerBytes: Int) {
        trailerBudget = trailerBytes
        state =
            switch framing {
            case .none: .done
            case .length(let length): .length(remaining: length)
            case .chunked: .chunkSize
            }
    }

    /// Whether the end of the body was seen.
    var isDone: Bool { state == .done }

    /// Takes what it can from the front of `input`; returns the content found, which may be empty.
    mutating func decode(_ input: inout ArraySlice<UInt8>) throws(RequestFault) -> [UInt8] {
        var content: [UInt8] = []
        while try step(&input, &content) {}
        return content
    }

    /// One piece of framing; false when `input` has not enough for the next.
    private mutating func step(_ input: inout ArraySlice<UInt8>, _ content: inout [UInt8]) throws(RequestFault) -> Bool {
        switch state {
        case .done: return false
        case .length(let remaining):
            let taken = Self.move(remaining, from: &input, to: &content)
            state = taken == remaining ? .done : .length(remaining: remaining - taken)
            return false
        case .chunk(let remaining):
            let taken = Self.move(remaining, from: &input, to: &content)
            state = taken == remaining ? .chunkEnd : .chunk(remaining: remaining - taken)
            return taken == remaining
        case .chunkSize:
            guard let line = try Self.takeLine(from: &input, limit: Self.chunkLineLimit) else { return false }
            let size = try Self.chunkSize(line)
            state = size == 0 ? .trailer : .chunk(remaining: size)
        case .chunkEnd:
            guard let line = try Self.takeLine(from: &input, limit: 2) else { return false }
            guard line.isEmpty else { throw .badRequest }
            state = .chunkSize
        case .trailer:
            guard let line = try Self.takeLine(from: &input, limit: trailerBudget) else { return false }
            trailerBudget -= line.count + 2
            if line.isEmpty { state = .done }
        }
        return true
    }

    private static func move(_ limit: Int, from input: inout ArraySlice<UInt8>, to content: inout [UInt8]) -> Int {
        let part = input.prefix(limit)
        content.append(contentsOf: part)
        input = input.dropFirst(part.count)
        return part.count
    }

    /// A line without its CRLF; nil while it is incomplete.
    private static func takeLine(from input: inout ArraySlice<UInt8>, limit: Int) throws(RequestFault) -> ArraySlice<UInt8>? {
        guard let feed = input.prefix(limit).firstIndex(of: Octet.lineFeed) else {
            if input.count >= limit { throw .badRequest }
            return nil
        }
        guard feed > input.startIndex, input[feed - 1] == Octet.carriageReturn else { throw .badRequest }
        let line = input[input.startIndex..<(feed - 1)]
        guard line.allSatisfy(\.isFieldContent) else { throw .badRequest }
        input = input[(feed + 1)...]
        return line
    }

    /// Up to 15 hexadecimal digits, then nothing or an extension, which is ignored (RFC 9112, 7.1).
    private static func chunkSize(_ line: ArraySlice<UInt8>) throws(RequestFault) -> Int {
        var size = 0
        var digits = 0
        for octet in line {
            guard let value = octet.hexValue else {
                let startsExtension = octet == UInt8(ascii: ";") || octet == Octet.space || octet == Octet.tab
                guard startsExtension, digits > 0, line.contains(UInt8(ascii: ";")) else { throw .badRequest }
                break
            }
            digits += 1
            guard digits <= 15 else { throw .badRequest }
            size = size << 4 | value
        }
        guard digits > 0 else { throw .badRequest }
        return size
    }
}

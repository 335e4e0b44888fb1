import BridgeModel
import RTP
import Testing

/// A payload with these frames, whole (RFC 3640 section 3.3.6).
private func packet(_ frames: [[UInt8]], index: UInt16 = 0) -> [UInt8] {
    let headers = frames.map { UInt16($0.count) << 3 | index }
    return header(headers) + frames.flatMap { $0 }
}

/// A piece of a frame of `size` bytes.
private func piece(_ bytes: some Collection<UInt8>, of size: Int) -> [UInt8] { header([UInt16(size) << 3]) + bytes }

private func header(_ headers: [UInt16]) -> [UInt8] {
    ([UInt16(headers.count * 16)] + headers).flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
}

@Suite struct AACDepacketizerTests {
    private let frame = Duration.milliseconds(20)

    private func take(
        _ depacketizer: inout AACDepacketizer, _ payload: [UInt8], timestamp: UInt32 = 1, marker: Bool = true, isAfterGap: Bool = false
    ) throws -> [AACDepacketizer.Unit] {
        let moment = PacketMoment(
            timestamp: timestamp, time: MonotonicTime(nanoseconds: UInt64(timestamp) * 1_000_000), marker: marker, isAfterGap: isAfterGap)
        return try payload.withUnsafeBytes { try depacketizer.take($0, of: moment) }
    }

    @Test func framesOfAPacketFollowEachOther() throws {
        var depacketizer = AACDepacketizer(frame: frame)
        let units = try take(&depacketizer, packet([[1, 2, 3], [4], [5, 6]]), timestamp: 100)
        #expect(units.map(\.bytes) == [[1, 2, 3], [4], [5, 6]])
        #expect(units.map { $0.time.nanoseconds / 1_000_000 } == [100, 120, 140])
    }

    @Test func aFrameInSeveralPacketsIsPutTogether() throws {
        var depacketizer = AACDepacketizer(frame: frame)
        let whole = (0..<3000).map { UInt8($0 % 251) }
        #expect(try take(&depacketizer, piece(whole[..<1200], of: 3000), marker: false).isEmpty)
        #expect(try take(&depacketizer, piece(whole[1200..<2400], of: 3000), marker: false).isEmpty)
        #expect(try take(&depacketizer, piece(whole[2400...], of: 3000)).map(\.bytes) == [whole])
        #expect(try take(&depacketizer, packet([[7]]), timestamp: 2).map(\.bytes) == [[7]])
    }

    @Test func aFrameThatLacksAPieceIsDroppedAndTheNextOneIsNot() throws {
        var depacketizer = AACDepacketizer(frame: frame)
        let whole = [UInt8](repeating: 9, count: 3000)
        _ = try take(&depacketizer, piece(whole[..<1200], of: 3000), marker: false)
        #expect(throws: DepacketizerFailure.incomplete) {
            try take(&depacketizer, piece(whole[2400...], of: 3000), isAfterGap: true)
        }
        #expect(try take(&depacketizer, packet([[7]]), timestamp: 2).map(\.bytes) == [[7]])
        // The end is what is missing.
        _ = try take(&depacketizer, piece(whole[..<1200], of: 3000), timestamp: 3, marker: false)
        #expect(try take(&depacketizer, packet([[8]]), timestamp: 4, isAfterGap: true).map(\.bytes) == [[8]])
    }

    @Test(
        arguments: [
            // Headers that are not there, or no whole number of them.
            [0], [0, 0], [0, 16], [0, 8, 1], [0, 15, 0, 8, 1], [0xFF, 0xFF, 0, 8, 1],
            [0, 32, 0, 8, 0, 16, 1],  // two frames, and bytes for one
            [0, 16, 0, 9, 1], packet([[1], [2]], index: 1),  // frames out of order
        ] as [[UInt8]])
    func whatContradictsItselfIsRefused(payload: [UInt8]) throws {
        var depacketizer = AACDepacketizer(frame: frame)
        #expect(throws: DepacketizerFailure.malformed) { try take(&depacketizer, payload) }
        #expect(try take(&depacketizer, packet([[7]]), timestamp: 2).map(\.bytes) == [[7]])
    }

    @Test func piecesThatDisagreeAreRefused() throws {
        var depacketizer = AACDepacketizer(frame: frame)
        _ = try take(&depacketizer, piece([1, 2], of: 10), marker: false)
        #expect(throws: DepacketizerFailure.malformed) { try take(&depacketizer, piece([1, 2], of: 11), marker: false) }
        _ = try take(&depacketizer, piece([1, 2], of: 4), timestamp: 2, marker: false)
        #expect(throws: DepacketizerFailure.malformed) { try take(&depacketizer, piece([1, 2, 3], of: 4), timestamp: 2) }
        _ = try take(&depacketizer, piece([1, 2], of: 4), timestamp: 3, marker: false)
        #expect(throws: DepacketizerFailure.incomplete) { try take(&depacketizer, piece([1], of: 4), timestamp: 3) }
    }

    @Test func paddingAndEmptyFramesAreNothing() throws {
        var depacketizer = AACDepacketizer(frame: frame)
        #expect(try take(&depacketizer, []).isEmpty)
        #expect(try take(&depacketizer, packet([[], [1]]), timestamp: 100).map { $0.time.nanoseconds / 1_000_000 } == [120])
    }

    @Test func noBytesTrap() {
        var random = SeededRandom(seed: 9)
        var depacketizer = AACDepacketizer(frame: frame)
        var units = 0
        for round in 0..<20_000 {
            var bytes = random.bytes(upTo: 24)
            // Most random bytes fail at the headers: help them past these.
            let headers = 1 + round % 3
            if bytes.count >= 2 + 2 * headers {
                (bytes[0], bytes[1]) = (0, UInt8(headers * 16))
                for place in 1...headers { (bytes[2 * place], bytes[2 * place + 1]) = (0, bytes[2 * place + 1] & 0x78) }
            }
            units += (try? take(&depacketizer, bytes, timestamp: UInt32(round / 3), marker: round % 2 == 0))?.count ?? 0
        }
        #expect(units > 100, "the test must reach the frames")
    }
}

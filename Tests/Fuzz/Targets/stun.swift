import SecureTransport

/// Libfuzzer calls on one thread, which is the one that uses this.
nonisolated(unsafe) private let codec = STUNCodec()

/// A datagram as a STUN message: read, checked with a password, and answered as far as it is a request.
func fuzzSTUN(_ bytes: UnsafeRawBufferPointer) {
    withUnsafeBytes(of: UInt64(0x6162_6364_6566_6768)) { key in
        let isAuthentic = codec.isAuthentic(bytes, key: key)
        guard case .request(let request)? = try? codec.read(bytes) else { return }
        if let username = request.username { precondition(username.upperBound <= bytes.count) }
        precondition(request.hasIntegrity || !isAuthentic)
        let check = STUNCheck(
            transaction: request.transaction, priority: request.priority ?? 0, role: request.role, usesCandidate: request.usesCandidate)
        answer(request, key: key)
        repeatCheck(check, key: key)
    }
}

/// An answer is short, and reads back as what it is.
private func answer(_ request: STUNBindingRequest, key: UnsafeRawBufferPointer) {
    let address = STUNAddress(high: request.transaction.low, low: UInt64(request.transaction.high), port: 1)
    withUnsafeTemporaryAllocation(byteCount: STUNCodec.maximumResponseByteCount, alignment: 8) { output in
        let success = codec.writeSuccess(request.transaction, mapped: address, key: key, into: output)
        precondition(read(output, success) == .success(request.transaction, mapped: address))
        let error = codec.writeError(.unknownAttribute, request.transaction, unknown: request.unknownAttributes, key: key, into: output)
        precondition(read(output, error) == .error(request.transaction, code: 420))
    }
}

/// A check with the same content is authentic and reads back with the same content.
private func repeatCheck(_ check: STUNCheck, key: UnsafeRawBufferPointer) {
    withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { output in
        let count = codec.writeRequest(check, username: key, key: key, into: output)
        let message = UnsafeRawBufferPointer(rebasing: output[..<count])
        precondition(codec.isAuthentic(message, key: key))
        guard case .request(let request)? = read(output, count) else { preconditionFailure("a request was written") }
        precondition(request.transaction == check.transaction && request.usesCandidate == check.usesCandidate)
        precondition(request.role == check.role || check.role == .contradictory)
    }
}

private func read(_ output: UnsafeMutableRawBufferPointer, _ count: Int) -> STUNMessage? {
    try? codec.read(UnsafeRawBufferPointer(rebasing: output[..<count]))
}

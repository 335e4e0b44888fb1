import Bridge
import BridgeModel

/// A key template and a camera's name, a description of a destination, and what an S3 store answers: by the first byte.
func fuzzDestination(_ bytes: UnsafeRawBufferPointer) {
    guard let kind = bytes.first else { return }
    let rest = Array(bytes.dropFirst())
    switch kind % 3 {
    case 0: fuzzKeyTemplate(String(decoding: rest, as: UTF8.self))
    case 1: fuzzDescription(rest)
    default: fuzzStoreAnswer(rest)
    }
}

private func fuzzKeyTemplate(_ text: String) {
    let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    fuzzSidecarName(String(parts.last ?? ""))
    guard let template = try? KeyTemplate(parsing: String(parts[0])) else { return }
    let context = SessionContext(
        session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID(String(parts.last ?? "")),
        direction: .publish)
    let key = template.key(
        for: KeyFacts(
            context: context, recording: RecordingID("r"), container: .mp4, startedAt: WallTime(nanoseconds: Int64(text.utf8.count))))
    for part in key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
        precondition((1...200).contains(part.count) && part.first != UInt8(ascii: ".") && part.last != UInt8(ascii: "."))
        precondition(part.allSatisfy { $0 >= 0x20 })
    }
}

private func fuzzSidecarName(_ name: String) {
    guard let sidecar = SidecarName(name) else { return }
    precondition(!sidecar.stem.isEmpty && !sidecar.ending.contains("/") && name.hasPrefix(sidecar.stem))
    if case .sheet(let number) = sidecar.part { precondition(number > 0) }
}

private func fuzzDescription(_ bytes: [UInt8]) {
    let reader = DestinationReader(rules: AddressRules(allowPrivate: true))
    guard let value = try? JSONValue.read(bytes), let choice = try? reader.choice(value) else { return }
    // What is stored means the same when it is read again.
    let again = try? reader.choice(JSONValue.read(choice.sealedText.revealed.utf8))
    precondition(again == choice)
    _ = choice.shownJSON.text
}

private func fuzzStoreAnswer(_ bytes: [UInt8]) {
    _ = try? XMLElement.read(bytes)
    _ = S3Answer.uploadID(bytes)
    _ = S3Answer.completion(bytes)
    for id in S3Answer.uploads(of: "a", bytes)?.ids ?? [] { precondition(!id.isEmpty) }
    _ = S3Answer.errorCode(bytes)
    for part in S3Answer.parts(bytes)?.parts ?? [] { precondition(PartLayout.numbers.contains(part.number) && part.size >= 0) }
}

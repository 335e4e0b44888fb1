/// What a test met instead of what it wanted.
struct TestFailure: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

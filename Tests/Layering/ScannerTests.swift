import Testing

/// The scanner and the rules against small sources that break them: what is not found here would not be found in the tree.
struct ScannerTests {
    @Test func commentsAndStringsAreNoCode() {
        let source = SourceText(
            #"""
            // import A
            /* import B /* nested */
               func lost() {} */
            let text = "func x() { \(name + "}") // no" // yes
            let block = """
                import C
                }
                """
            let raw = #"a "quoted" \ { "#
            """#)
        #expect(Import.all(in: source).isEmpty)
        #expect(Declarations(of: source) == Declarations())
        #expect(source.codeLineCount == 6)
        #expect(source.lineCount == 9)
        #expect(!source.text.contains("{"))
    }

    @Test func importsAreFoundInEveryForm() {
        let source = SourceText(
            """
            import A
            internal import B
            package import struct C.D
            @preconcurrency public import E
            @testable import F.G
            let important = 1
            """)
        #expect(
            Import.all(in: source) == [
                Import(module: "A", access: "internal", line: 1), Import(module: "B", access: "internal", line: 2),
                Import(module: "C", access: "package", line: 3), Import(module: "E", access: "public", line: 4),
                Import(module: "F", access: "internal", line: 5),
            ])
    }

    @Test func functionsAreMeasuredFromTheirFirstWordToTheirBrace() {
        let source = SourceText(
            """
            struct S {
                init(
                    body: () -> Void = { }
                ) {
                    self.init()
                }
                var computed: Int {
                    1
                }
                func outer() {
                    func inner() { if true { } }
                }
                func requirement()
                deinit { }
            }
            """)
        #expect(
            Declarations(of: source).functions == [
                .init(name: "init", line: 2, lineCount: 5), .init(name: "computed", line: 7, lineCount: 3),
                .init(name: "inner", line: 11, lineCount: 1), .init(name: "outer", line: 10, lineCount: 3),
                .init(name: "deinit", line: 14, lineCount: 1),
            ])
    }

    @Test func requirementsAreCounted() {
        let source = SourceText(
            """
            package protocol P: AnyObject {
                associatedtype Q
                var one: Int { get }
                static var two: [String: Int] { get set }
                func three(_ body: (Int) -> Void) async throws
                init(four: Int)
                subscript(five: Int) -> Int { get }
            }
            extension P { func notCounted() {} }
            """)
        #expect(Declarations(of: source).protocols == [.init(name: "P", line: 1, count: 5)])
    }

    @Test func storedPropertiesOfClassesAndActorsAreCounted() {
        let source = SourceText(
            """
            final class C: Sendable {
                static let shared = C()
                class var computedByType: Int { 0 }
                let one: Int
                private var two = [Int: () -> Void]()
                var three: Int { didSet { changed() } }
                lazy var four = { 4 }()
                weak var five: C?
                var computed: Int { one + 1 }
                func method() { let local = 1; var other = 2 }
                struct Nested { var notCounted: Int }
            }
            actor A {
                private let table: Mutex<[String: (Int, Int)]>
                nonisolated let executor: Executor
            }
            struct S { var notCounted: Int }
            """)
        #expect(
            Declarations(of: source).classes == [.init(name: "C", line: 1, count: 5), .init(name: "A", line: 13, count: 2)])
    }

    @Test func namesThatAreKeywordsElsewhereBeginNoDeclaration() {
        let source = SourceText(
            """
            func f() {
                actor.assumeIsolated { _ in }
                let x = thing.class
                Self.init(1)
                room.protocol { }
            }
            """)
        #expect(Declarations(of: source).classes.isEmpty)
        #expect(Declarations(of: source).protocols.isEmpty)
        #expect(Declarations(of: source).functions == [.init(name: "f", line: 1, lineCount: 6)])
    }

    @Test func everyBudgetIsHeld() {
        #expect(excesses(in: lines(300) { "let a\($0) = 1" }).isEmpty)
        #expect(excesses(in: lines(301) { "let a\($0) = 1" }) == ["301 code lines, 300 allowed"])
        #expect(excesses(in: lines(501) { _ in "// comment" }) == ["501 lines, 500 allowed"])
        #expect(excesses(in: "func f() {\n\(lines(78) { _ in "// x" })\n}").isEmpty)
        #expect(excesses(in: "func f() {\n\(lines(79) { _ in "// x" })\n}") == ["line 1: 'f' has 81 lines, 80 allowed"])
        #expect(excesses(in: "protocol P {\n\(lines(8) { "func f\($0)()" })\n}").isEmpty)
        #expect(
            excesses(in: "protocol P {\n\(lines(9) { "func f\($0)()" })\n}") == ["line 1: protocol 'P' has 9 requirements, 8 allowed"])
        #expect(excesses(in: "actor A {\n\(lines(12) { "var v\($0) = 1" })\n}").isEmpty)
        #expect(
            excesses(in: "actor A {\n\(lines(13) { "var v\($0): Int" })\n}") == ["line 1: 'A' has 13 stored properties, 12 allowed"])
    }

    private func excesses(in text: String) -> [String] { Budgets.excesses(in: SourceText(text)) }

    private func lines(_ count: Int, _ line: (Int) -> String) -> String { (1...count).map(line).joined(separator: "\n") }
}

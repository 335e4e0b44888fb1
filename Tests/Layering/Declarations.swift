/// What a scan of one file finds. Lines count from 1.
struct Declarations: Equatable {
    /// A function, initialiser or accessor block with its lines, from its first word to its closing brace.
    struct Function: Equatable {
        var name: String
        var line: Int
        var lineCount: Int
    }

    /// A protocol with its requirements, or a class or actor with its stored instance properties.
    struct MemberedType: Equatable {
        var name: String
        var line: Int
        var count: Int
    }

    var functions: [Function] = []
    var protocols: [MemberedType] = []
    var classes: [MemberedType] = []

    init(of source: SourceText) {
        var scanner = DeclarationScanner(source)
        scanner.run()
        self = scanner.found
    }

    init() {}
}

/// Follows braces and declaration keywords. No full parser: it knows what `swift format` leaves standing.
private struct DeclarationScanner {
    private enum Kind { case function, `protocol`, `class`, other }

    private struct Scope {
        var kind: Kind
        var name: String
        var line: Int
        var count = 0
    }

    /// A declaration whose opening brace has not come; it comes at this depth of parentheses, if it comes.
    private struct Pending {
        var scope: Scope
        var depth: Int
    }

    private let tokens: [Token]
    private var index = 0
    private var scopes: [Scope] = []
    private var pending: Pending?
    private var depth = 0
    private var isStatic = false
    private(set) var found = Declarations()

    init(_ source: SourceText) { tokens = Token.all(in: source) }

    mutating func run() {
        while index < tokens.count {
            step(tokens[index])
            index += 1
        }
    }

    private mutating func step(_ token: Token) {
        switch token.text {
        case "(", "[": depth += 1
        case ")", "]": depth -= 1
        case "{": open(token)
        case "}": close(token)
        case "static": isStatic = true
        case "func", "init", "deinit", "subscript": function(token)
        case "var", "let": property(token)
        case "protocol", "class", "actor", "struct", "enum", "extension": type(token)
        default: break
        }
    }

    private func word(_ offset: Int) -> String {
        tokens.indices.contains(index + offset) ? tokens[index + offset].text : ""
    }

    private mutating func open(_ token: Token) {
        if let waiting = pending, waiting.depth == depth {
            scopes.append(waiting.scope)
            pending = nil
        } else {
            scopes.append(Scope(kind: .other, name: "", line: token.line))
        }
    }

    private mutating func close(_ token: Token) {
        // A brace inside the parentheses of a waiting declaration closes a default argument's closure, not the declaration's surroundings.
        if pending?.depth == depth { pending = nil }
        guard let scope = scopes.popLast() else { return }
        switch scope.kind {
        case .function:
            found.functions.append(.init(name: scope.name, line: scope.line, lineCount: token.line - scope.line + 1))
        case .protocol: found.protocols.append(.init(name: scope.name, line: scope.line, count: scope.count))
        case .class: found.classes.append(.init(name: scope.name, line: scope.line, count: scope.count))
        case .other: break
        }
    }

    private mutating func function(_ token: Token) {
        guard word(-1) != "." else { return }  // `self.init(…)` is a call
        isStatic = false
        countRequirement()
        let name = token.text == "func" ? word(1) : token.text
        pending = Pending(scope: Scope(kind: .function, name: name, line: token.line), depth: depth)
    }

    private mutating func property(_ token: Token) {
        let isTypeProperty = isStatic
        isStatic = false
        guard depth == 0 || scopes.last?.kind != .protocol else { return }
        countRequirement()
        let body = propertyBody(from: index + 1)
        if scopes.last?.kind == .class, !isTypeProperty, body != .computed { scopes[scopes.count - 1].count += 1 }
        if token.text == "var", body == .computed {
            pending = Pending(scope: Scope(kind: .function, name: word(1), line: token.line), depth: depth)
        }
    }

    private mutating func countRequirement() {
        if scopes.last?.kind == .protocol { scopes[scopes.count - 1].count += 1 }
    }

    private enum PropertyBody { case none, computed, observed }

    /// What follows the property's name and type.
    private func propertyBody(from start: Int) -> PropertyBody {
        var nesting = 0
        for position in start..<max(start, tokens.count) {
            switch tokens[position].text {
            case "(", "[", "<": nesting += 1
            case ")", "]",
                ">" where nesting > 0:
                nesting -= 1
            case "=" where nesting == 0: return .none
            case "{" where nesting == 0:
                let next = tokens.indices.contains(position + 1) ? tokens[position + 1].text : ""
                return next == "willSet" || next == "didSet" ? .observed : .computed
            case let text where nesting <= 0 && Self.nextDeclaration.contains(text): return .none
            default: continue
            }
        }
        return .none
    }

    /// Words and signs that cannot stand in a property's type, and so begin what follows it.
    private static let nextDeclaration: Set<String> = [
        "}", ")", "var", "let", "func", "init", "deinit", "subscript", "static", "private", "fileprivate", "internal", "package", "public",
        "struct", "class", "enum", "actor", "protocol", "typealias", "case", "nonisolated", "lazy", "weak", "override", "if", "guard",
        "else",
        "for", "while", "return", "switch", "mutating", "final",
    ]

    private mutating func type(_ token: Token) {
        let name = word(1)
        // `class func`, `some.actor`, `protocol P: class {`, and names of variables are no declarations.
        guard word(-1) != ".", name.first.map({ $0.isLetter || $0 == "_" || $0 == "`" }) == true, !["func", "var", "let"].contains(name)
        else {
            if token.text == "class" { isStatic = true }
            return
        }
        let kind: Kind =
            switch token.text {
            case "protocol": .protocol
            case "class", "actor": .class
            default: .other
            }
        pending = Pending(scope: Scope(kind: kind, name: name, line: token.line), depth: depth)
    }
}

/// A word or a sign.
struct Token: Equatable {
    var text: String
    var line: Int

    static func all(in source: SourceText) -> [Token] {
        var tokens: [Token] = []
        for (number, line) in source.lines.enumerated() {
            var rest = line
            while let first = rest.first {
                let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "`" }
                let text = word.isEmpty ? rest.prefix(1) : word
                rest = rest[text.endIndex...]
                if !first.isWhitespace { tokens.append(Token(text: String(text), line: number + 1)) }
            }
        }
        return tokens
    }
}

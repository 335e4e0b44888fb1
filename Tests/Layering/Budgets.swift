/// The sizes that code may have (the architecture's section 3).
enum Budgets {
    static let codeLinesOfAFile = 300
    static let linesOfAFile = 500
    static let linesOfAFunction = 80
    static let requirementsOfAProtocol = 8
    static let storedPropertiesOfAClass = 12

    /// What of this file is over its budget, one sentence each.
    static func excesses(in source: SourceText) -> [String] {
        let declarations = Declarations(of: source)
        var excesses: [String] = []
        if source.codeLineCount > codeLinesOfAFile { excesses.append("\(source.codeLineCount) code lines, \(codeLinesOfAFile) allowed") }
        if source.lineCount > linesOfAFile { excesses.append("\(source.lineCount) lines, \(linesOfAFile) allowed") }
        excesses += declarations.functions.filter { $0.lineCount > linesOfAFunction }.map {
            "line \($0.line): '\($0.name)' has \($0.lineCount) lines, \(linesOfAFunction) allowed"
        }
        excesses += declarations.protocols.filter { $0.count > requirementsOfAProtocol }.map {
            "line \($0.line): protocol '\($0.name)' has \($0.count) requirements, \(requirementsOfAProtocol) allowed"
        }
        excesses += declarations.classes.filter { $0.count > storedPropertiesOfAClass }.map {
            "line \($0.line): '\($0.name)' has \($0.count) stored properties, \(storedPropertiesOfAClass) allowed"
        }
        return excesses
    }
}

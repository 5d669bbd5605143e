import Collab

/// Reads statements and expressions out of tokens. Nesting is bounded, so it cannot run out of stack.
struct TemplateParser {
    private let tokens: [TemplateToken]
    private var index = 0
    var depth = 0
    private let limits: TemplateLimits
    /// The variables that have been read so far in the macro at hand.
    var usedNames: Set<String> = []

    init(_ tokens: [TemplateToken], limits: TemplateLimits) {
        self.tokens = tokens
        self.limits = limits
    }

    /// The whole template.
    mutating func parse() throws(CollabError) -> [TemplateStatement] {
        let statements = try parseStatements(until: [])
        guard current.kind == .end else { throw failure("\(current.shown) ends a block that was not begun") }
        return statements
    }

    // MARK: Tokens

    var current: TemplateToken { tokens[index] }

    func peek(_ offset: Int = 1) -> TemplateToken { tokens[min(index + offset, tokens.count - 1)] }

    mutating func advance() {
        if index < tokens.count - 1 { index += 1 }
    }

    func isSymbol(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }

    func isName(_ name: String) -> Bool { current.kind == .name(name) }

    mutating func skipSymbol(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func skipName(_ name: String) -> Bool {
        guard isName(name) else { return false }
        advance()
        return true
    }

    mutating func expectSymbol(_ symbol: String) throws(CollabError) {
        guard skipSymbol(symbol) else { throw failure("expected “\(symbol)” instead of \(current.shown)") }
    }

    mutating func expectName() throws(CollabError) -> String {
        guard case .name(let name) = current.kind else {
            throw failure("expected a name instead of \(current.shown)")
        }
        advance()
        return name
    }

    mutating func expectBlockEnd() throws(CollabError) {
        guard current.kind == .blockEnd else { throw failure("expected “%}” instead of \(current.shown)") }
        advance()
    }

    func failure(_ message: String, _ code: CollabError.Code = .malformedFile) -> CollabError {
        .template(code, line: current.line, message)
    }

    /// Goes one level deeper; the caller comes back by `depth -= 1`.
    mutating func descend() throws(CollabError) {
        guard depth < limits.nesting else {
            throw failure("expressions or blocks nest deeper than \(limits.nesting)")
        }
        depth += 1
    }

    // MARK: Statements

    /// Statements up to a tag with one of these names, which stays to be read (its `{%` is read).
    mutating func parseStatements(until ends: Set<String>) throws(CollabError) -> [TemplateStatement] {
        var statements: [TemplateStatement] = []
        while true {
            let token = current
            switch token.kind {
            case .text(let text):
                advance()
                statements.append(TemplateStatement(kind: .text(text), line: token.line))
            case .variableBegin:
                advance()
                let expression = try parseTuple()
                guard current.kind == .variableEnd else {
                    throw failure("expected “}}” instead of \(current.shown)")
                }
                advance()
                statements.append(TemplateStatement(kind: .output(expression), line: token.line))
            case .blockBegin:
                advance()
                if case .name(let name) = current.kind, ends.contains(name) { return statements }
                statements.append(try parseTag(line: token.line))
            case .end:
                guard ends.isEmpty else {
                    throw failure(
                        "the template ends where \(ends.sorted().map { "“\($0)”" }.joined(separator: " or ")) "
                            + "is missing"
                    )
                }
                return statements
            default:
                throw failure("\(token.shown) does not belong here")
            }
        }
    }

    /// A block's content up to its end tag, which is read.
    mutating func parseBody(until end: String) throws(CollabError) -> [TemplateStatement] {
        try expectBlockEnd()
        let body = try parseStatements(until: [end])
        advance()
        try expectBlockEnd()
        return body
    }

    private mutating func parseTag(line: Int) throws(CollabError) -> TemplateStatement {
        try descend()
        defer { depth -= 1 }
        let name = try expectName()
        let kind: TemplateStatement.Kind
        switch name {
        case "for": kind = .loop(try parseLoop())
        case "if": kind = try parseCondition()
        case "set": kind = try parseSet()
        case "macro": kind = .macro(try parseMacro())
        case "call": kind = try parseCall()
        case "filter": kind = .filter(try parseFilterNames(), try parseBody(until: "endfilter"))
        case "with": kind = try parseWith()
        // It marks what the model wrote, which means nothing here; what is set within stays within.
        case "generation": kind = .with([], try parseBody(until: "endgeneration"))
        case "break", "continue":
            try expectBlockEnd()
            kind = name == "break" ? .break_ : .continue_
        default:
            if name.hasPrefix("end") || name == "else" || name == "elif" {
                throw failure("“\(name)” ends a block that was not begun")
            }
            throw failure(
                "the tag “\(name.prefix(40))” is not supported; chat templates may use for, if, set, macro, call, "
                    + "filter, with, generation, raw, break and continue",
                .unsupported
            )
        }
        return TemplateStatement(kind: kind, line: line)
    }

    private mutating func parseLoop() throws(CollabError) -> TemplateLoop {
        let target = try parseTarget(allowsAttribute: false)
        guard skipName("in") else { throw failure("expected “in” instead of \(current.shown)") }
        let sequence = try parseTuple(allowsConditional: false)
        let condition = skipName("if") ? try parseExpression() : nil
        let isRecursive = skipName("recursive")
        try expectBlockEnd()
        let body = try parseStatements(until: ["endfor", "else"])
        var otherwise: [TemplateStatement] = []
        if skipName("else") {
            otherwise = try parseBody(until: "endfor")
        } else {
            advance()
            try expectBlockEnd()
        }
        return TemplateLoop(
            target: target,
            sequence: sequence,
            condition: condition,
            isRecursive: isRecursive,
            body: body,
            otherwise: otherwise
        )
    }

    private mutating func parseCondition() throws(CollabError) -> TemplateStatement.Kind {
        var branches: [(condition: TemplateExpression, body: [TemplateStatement])] = []
        while true {
            let condition = try parseTuple(allowsConditional: false)
            try expectBlockEnd()
            branches.append((condition, try parseStatements(until: ["elif", "else", "endif"])))
            if skipName("elif") { continue }
            if skipName("else") { return .condition(branches, otherwise: try parseBody(until: "endif")) }
            advance()
            try expectBlockEnd()
            return .condition(branches, otherwise: [])
        }
    }

    private mutating func parseSet() throws(CollabError) -> TemplateStatement.Kind {
        let target = try parseTarget(allowsAttribute: true)
        if skipSymbol("=") {
            let value = try parseTuple()
            try expectBlockEnd()
            return .set(target, value)
        }
        let filters = isSymbol("|") ? try parseFilters() : []
        return .setBlock(target, filters, try parseBody(until: "endset"))
    }

    private mutating func parseMacro() throws(CollabError) -> TemplateMacro {
        let name = try expectName()
        let parameters = try parseParameters()
        return try parseMacroBody(name, parameters, until: "endmacro")
    }

    /// A macro's body, looking for the names by which it asks for further arguments.
    private mutating func parseMacroBody(
        _ name: String,
        _ parameters: [(name: String, fallback: TemplateExpression?)],
        until end: String
    ) throws(CollabError) -> TemplateMacro {
        let outside = usedNames
        usedNames = []
        let body = try parseBody(until: end)
        defer { usedNames.formUnion(outside) }
        return TemplateMacro(
            name: name,
            parameters: parameters,
            body: body,
            takesSurplusValues: usedNames.contains("varargs"),
            takesUnknownNames: usedNames.contains("kwargs")
        )
    }

    private mutating func parseParameters() throws(CollabError) -> [(
        name: String, fallback: TemplateExpression?
    )] {
        var parameters: [(name: String, fallback: TemplateExpression?)] = []
        try expectSymbol("(")
        while !skipSymbol(")") {
            if !parameters.isEmpty { try expectSymbol(",") }
            if skipSymbol(")") { break }
            let name = try expectName()
            let fallback = skipSymbol("=") ? try parseExpression() : nil
            if fallback == nil, parameters.last?.fallback != nil {
                throw failure("the parameter “\(name)” without a default follows one with a default")
            }
            parameters.append((name, fallback))
        }
        return parameters
    }

    private mutating func parseCall() throws(CollabError) -> TemplateStatement.Kind {
        let parameters = isSymbol("(") ? try parseParameters() : []
        let call = try parseExpression()
        return .call(call, caller: try parseMacroBody("caller", parameters, until: "endcall"))
    }

    private mutating func parseWith() throws(CollabError) -> TemplateStatement.Kind {
        var assignments: [(TemplateTarget, TemplateExpression)] = []
        while current.kind != .blockEnd {
            if !assignments.isEmpty { try expectSymbol(",") }
            let target = try parseTarget(allowsAttribute: false)
            try expectSymbol("=")
            assignments.append((target, try parseExpression()))
        }
        return .with(assignments, try parseBody(until: "endwith"))
    }

    /// `upper|trim`, without a bar before the first.
    private mutating func parseFilterNames() throws(CollabError) -> [TemplatePostfix] {
        [try parseFilter()] + (isSymbol("|") ? try parseFilters() : [])
    }

    /// `|upper|trim`
    private mutating func parseFilters() throws(CollabError) -> [TemplatePostfix] {
        var filters: [TemplatePostfix] = []
        while skipSymbol("|") { filters.append(try parseFilter()) }
        return filters
    }

    private mutating func parseTarget(allowsAttribute: Bool) throws(CollabError) -> TemplateTarget {
        var targets: [TemplateTarget] = []
        var isTuple = false
        repeat {
            if isTuple, isName("in") || isSymbol("=") || isSymbol(")") { break }
            if skipSymbol("(") {
                try descend()
                targets.append(try parseTarget(allowsAttribute: false))
                depth -= 1
                try expectSymbol(")")
            } else {
                let line = current.line
                let name = try expectName()
                if ["true", "false", "none", "True", "False", "None"].contains(name) {
                    throw .template(.malformedFile, line: line, "“\(name)” cannot be assigned to")
                }
                if allowsAttribute, skipSymbol(".") {
                    targets.append(.attribute(of: name, try expectName()))
                } else {
                    targets.append(.name(name))
                }
            }
            if isSymbol(",") { isTuple = true }
        } while skipSymbol(",")
        return isTuple ? .tuple(targets) : targets[0]
    }
}

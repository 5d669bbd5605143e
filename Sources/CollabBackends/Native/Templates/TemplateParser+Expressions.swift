import Collab

/// Expressions, by rank from the loosest to the tightest.
extension TemplateParser {
    /// `a, b, c`: a tuple where there is a comma, else the one expression.
    mutating func parseTuple(allowsConditional: Bool = true) throws(CollabError) -> TemplateExpression {
        let line = current.line
        let first = try allowsConditional ? parseExpression() : parseOr()
        guard isSymbol(",") else { return first }
        var elements = [first]
        while skipSymbol(",") {
            switch current.kind {
            case .variableEnd, .blockEnd, .symbol(")"), .name("recursive"): break
            default: elements.append(try allowsConditional ? parseExpression() : parseOr())
            }
        }
        return TemplateExpression(kind: .tuple(elements), line: line)
    }

    /// `a if b else c`
    mutating func parseExpression() throws(CollabError) -> TemplateExpression {
        try descend()
        defer { depth -= 1 }
        let line = current.line
        var value = try parseOr()
        if !isName("if") { return value }
        var branches: [(then: TemplateExpression, condition: TemplateExpression)] = []
        var otherwise: TemplateExpression?
        while skipName("if") {
            guard branches.count < 32 else { throw failure("too many conditions in one expression") }
            branches.append((value, try parseOr()))
            otherwise = nil
            guard skipName("else") else { break }
            value = try parseOr()
            otherwise = value
        }
        for branch in branches.reversed() {
            otherwise = TemplateExpression(
                kind: .conditional(branch.condition, then: branch.then, otherwise: otherwise),
                line: line
            )
        }
        return otherwise ?? value
    }

    private mutating func parseOr() throws(CollabError) -> TemplateExpression {
        try parse(from: .or)
    }

    /// How tightly operators bind, the loosest first.
    private enum Rank: Int {
        case or, and, not, comparison, sum, concatenation, product, power, unary

        var tighter: Rank { Rank(rawValue: rawValue + 1) ?? .unary }
        var looser: Rank? { Rank(rawValue: rawValue - 1) }
    }

    /// An expression whose operators bind at least as tightly as a rank.
    ///
    /// It begins with an operand and gathers operators from the tightest rank to the loosest. So a value in
    /// parentheses costs a few calls, and not one for every rank.
    private mutating func parse(from loosest: Rank) throws(CollabError) -> TemplateExpression {
        let line = current.line
        var value: TemplateExpression
        var rank: Rank? = .power
        if loosest.rawValue <= Rank.not.rawValue, skipName("not") {
            try descend()
            defer { depth -= 1 }
            value = TemplateExpression(kind: .not(try parse(from: .not)), line: line)
            rank = .and
        } else {
            value = try parseUnary(withFilters: true)
        }
        while let current = rank, current.rawValue >= loosest.rawValue {
            if let kind = try gather(current, after: value) {
                value = TemplateExpression(kind: kind, line: line)
            }
            rank = current.looser
        }
        return value
    }

    /// A value followed by operators of one rank, or nil where none follows.
    private mutating func gather(
        _ rank: Rank,
        after first: TemplateExpression
    ) throws(CollabError) -> TemplateExpression.Kind? {
        switch rank {
        case .or, .and, .concatenation:
            var parts = [first]
            while rank == .concatenation ? skipSymbol("~") : skipName(rank == .or ? "or" : "and") {
                parts.append(try parse(from: rank.tighter))
            }
            if parts.count == 1 { return nil }
            return rank == .or ? .or(parts) : rank == .and ? .and(parts) : .concatenation(parts)
        case .comparison:
            var rest: [(TemplateComparison, TemplateExpression)] = []
            while let comparison = readComparison() { rest.append((comparison, try parse(from: .sum))) }
            return rest.isEmpty ? nil : .comparison(first, rest)
        case .sum, .product, .power:
            var rest: [(TemplateOperator, TemplateExpression)] = []
            while let found = readOperator(rank) { rest.append((found, try parse(from: rank.tighter))) }
            return rest.isEmpty ? nil : .arithmetic(first, rest)
        case .not, .unary:
            return nil
        }
    }

    private mutating func readOperator(_ rank: Rank) -> TemplateOperator? {
        guard case .symbol(let symbol) = current.kind, let found = TemplateOperator(rawValue: symbol) else {
            return nil
        }
        let foundRank: Rank =
            switch found {
            case .add, .subtract: .sum
            case .multiply, .divide, .floorDivide, .modulo: .product
            case .power: .power
            }
        guard foundRank == rank else { return nil }
        advance()
        return found
    }

    private mutating func readComparison() -> TemplateComparison? {
        switch current.kind {
        case .symbol(let symbol):
            guard let comparison = TemplateComparison(rawValue: symbol) else { return nil }
            advance()
            return comparison
        case .name("in"):
            advance()
            return .isIn
        case .name("not") where peek().kind == .name("in"):
            advance()
            advance()
            return .isNotIn
        default:
            return nil
        }
    }

    private mutating func parseUnary(withFilters: Bool) throws(CollabError) -> TemplateExpression {
        let line = current.line
        var value: TemplateExpression
        if isSymbol("-") || isSymbol("+") {
            let isNegative = isSymbol("-")
            advance()
            try descend()
            defer { depth -= 1 }
            value = TemplateExpression(
                kind: .sign(isNegative: isNegative, try parseUnary(withFilters: false)),
                line: line
            )
        } else {
            value = try parsePrimary()
        }
        var postfixes: [TemplatePostfix] = []
        while let postfix = try parsePostfix() { postfixes.append(postfix) }
        if withFilters {
            while let postfix = try parseFilterOrTest() { postfixes.append(postfix) }
        }
        if !postfixes.isEmpty { value = TemplateExpression(kind: .postfix(value, postfixes), line: line) }
        return value
    }

    private mutating func parsePrimary() throws(CollabError) -> TemplateExpression {
        let token = current
        let kind: TemplateExpression.Kind
        switch token.kind {
        case .name("true"), .name("True"): kind = .bool(true)
        case .name("false"), .name("False"): kind = .bool(false)
        case .name("none"), .name("None"): kind = .none
        case .name(let name):
            kind = .name(name)
            usedNames.insert(name)
        case .integer(let value): kind = .integer(value)
        case .double(let value): kind = .double(value)
        case .string(var text):
            // Literals side by side are one.
            while case .string(let more) = peek().kind {
                text += more
                advance()
            }
            kind = .string(text)
        case .symbol("("):
            advance()
            kind = try parseParentheses()
        case .symbol("["):
            advance()
            kind = .list(try parseElements(closing: "]"))
        case .symbol("{"):
            advance()
            kind = .mapping(try parseMapping())
        default:
            throw failure("expected a value instead of \(token.shown)")
        }
        switch token.kind {
        case .symbol: break
        default: advance()
        }
        return TemplateExpression(kind: kind, line: token.line)
    }

    private mutating func parseParentheses() throws(CollabError) -> TemplateExpression.Kind {
        if skipSymbol(")") { return .tuple([]) }
        let inner = try parseTuple()
        try expectSymbol(")")
        return inner.kind
    }

    private mutating func parseElements(closing: String) throws(CollabError) -> [TemplateExpression] {
        var elements: [TemplateExpression] = []
        while !skipSymbol(closing) {
            if !elements.isEmpty { try expectSymbol(",") }
            if skipSymbol(closing) { break }
            elements.append(try parseExpression())
        }
        return elements
    }

    private mutating func parseMapping() throws(CollabError) -> [(
        key: TemplateExpression, value: TemplateExpression
    )] {
        var members: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !skipSymbol("}") {
            if !members.isEmpty { try expectSymbol(",") }
            if skipSymbol("}") { break }
            let key = try parseExpression()
            try expectSymbol(":")
            members.append((key, try parseExpression()))
        }
        return members
    }

    // MARK: What follows a value

    /// `.name`, `[…]` or `(…)`
    private mutating func parsePostfix() throws(CollabError) -> TemplatePostfix? {
        if skipSymbol(".") {
            if case .integer(let position) = current.kind {
                let line = current.line
                advance()
                return .subscript_(TemplateExpression(kind: .integer(position), line: line))
            }
            return .attribute(try expectName())
        }
        if skipSymbol("[") { return try parseSubscript() }
        if skipSymbol("(") { return .call(try parseArguments()) }
        return nil
    }

    private mutating func parseSubscript() throws(CollabError) -> TemplatePostfix {
        var parts: [TemplateExpression?] = []
        var colons = 0
        var pending: TemplateExpression?
        while !isSymbol("]") {
            if skipSymbol(":") {
                parts.append(pending)
                pending = nil
                colons += 1
            } else if pending == nil {
                pending = try parseExpression()
            } else {
                throw failure("expected “]” instead of \(current.shown)")
            }
        }
        advance()
        parts.append(pending)
        if colons == 0 {
            guard let pending else { throw failure("a subscript is empty") }
            return .subscript_(pending)
        }
        guard colons <= 2 else { throw failure("a slice has more than three parts") }
        return .slice(start: parts[0], stop: parts[1], step: colons == 2 ? parts[2] : nil)
    }

    /// The arguments after an opening parenthesis.
    private mutating func parseArguments() throws(CollabError) -> TemplateArguments {
        var arguments = TemplateArguments()
        var isFirst = true
        while !skipSymbol(")") {
            if !isFirst { try expectSymbol(",") }
            if skipSymbol(")") { break }
            isFirst = false
            if skipSymbol("*") {
                arguments.unpackedList = try parseExpression()
            } else if skipSymbol("**") {
                arguments.unpackedMapping = try parseExpression()
            } else if case .name(let name) = current.kind, peek().kind == .symbol("=") {
                advance()
                advance()
                arguments.named.append((name, try parseExpression()))
            } else {
                guard arguments.named.isEmpty else {
                    throw failure("a positional argument follows a named one")
                }
                arguments.positional.append(try parseExpression())
            }
        }
        return arguments
    }

    /// `|filter`, `is test`, or a call of their result.
    private mutating func parseFilterOrTest() throws(CollabError) -> TemplatePostfix? {
        if skipSymbol("|") { return try parseFilter() }
        if skipName("is") { return try parseTest() }
        if skipSymbol("(") { return .call(try parseArguments()) }
        return nil
    }

    /// A filter's name and arguments.
    mutating func parseFilter() throws(CollabError) -> TemplatePostfix {
        let line = current.line
        let name = try expectName()
        return .filter(name, skipSymbol("(") ? try parseArguments() : TemplateArguments(), line: line)
    }

    private mutating func parseTest() throws(CollabError) -> TemplatePostfix {
        let isNegated = skipName("not")
        let line = current.line
        let name = try expectName()
        var arguments = TemplateArguments()
        if skipSymbol("(") {
            arguments = try parseArguments()
        } else if startsBareArgument {
            var value = try parsePrimary()
            var postfixes: [TemplatePostfix] = []
            while let postfix = try parsePostfix() { postfixes.append(postfix) }
            if !postfixes.isEmpty {
                value = TemplateExpression(kind: .postfix(value, postfixes), line: value.line)
            }
            arguments.positional = [value]
        }
        return .test(name, arguments, isNegated: isNegated, line: line)
    }

    /// Whether a test's argument without parentheses follows, as in `is divisibleby 3`.
    private var startsBareArgument: Bool {
        switch current.kind {
        case .name(let name): !["else", "or", "and", "if", "is", "in", "not", "recursive"].contains(name)
        case .string, .integer, .double, .symbol("["), .symbol("{"): true
        default: false
        }
    }
}

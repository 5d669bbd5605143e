/// Reads a regular expression by recursive descent.
struct RegularExpressionParser {
    /// How deep groups may be nested.
    private static let deepest = 100
    /// How often a pattern may be repeated at most.
    private static let mostRepetitions = 10_000

    let source: String
    let dialect: RegularExpression.Dialect
    let scalars: [Unicode.Scalar]
    var place = 0
    private var depth = 0

    init(_ source: String, _ dialect: RegularExpression.Dialect) {
        self.source = source
        self.dialect = dialect
        scalars = Array(source.unicodeScalars)
    }

    mutating func parse() throws(CollabError) -> [RegularExpression.Alternative] {
        var alternatives = [try parseOutermost()]
        while take("|") { alternatives.append(try parseOutermost()) }
        if place < scalars.count { throw malformed("has a “)” that closes nothing") }
        return alternatives
    }

    // MARK: Places

    var next: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        place += 1
        return true
    }

    mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars[place...].starts(with: wanted) else { return false }
        place += wanted.count
        return true
    }

    func malformed(_ what: String, at position: Int? = nil) -> CollabError {
        CollabError(
            .invalidConstraint,
            "The regular expression “\(source)” \(what), at position \(position ?? place)."
        )
    }

    func unsupported(_ what: String, at position: Int? = nil) -> CollabError {
        CollabError(
            .unsupported,
            """
            The regular expression “\(source)” uses \(what) at position \(position ?? place), which a constraint \
            cannot have; write it without.
            """
        )
    }

    // MARK: Patterns

    private mutating func parseOutermost() throws(CollabError) -> RegularExpression.Alternative {
        var alternative = RegularExpression.Alternative(pattern: .nothing)
        while take("^") || takePythonAnchor("\\A") { alternative.isAnchoredAtStart = true }
        var parts: [Grammar.Pattern] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let isEnd = take("$") || takePythonAnchor("\\Z") || takePythonAnchor("\\z")
            if isEnd {
                alternative.isAnchoredAtEnd = true
                continue
            }
            if alternative.isAnchoredAtEnd { throw unsupported("“$” before other text") }
            parts.append(try parseRepeated())
        }
        alternative.pattern = .sequence(parts)
        return alternative
    }

    private mutating func takePythonAnchor(_ anchor: String) -> Bool { dialect == .python && take(anchor) }

    private mutating func parseChoice() throws(CollabError) -> Grammar.Pattern {
        var alternatives = [try parseSequence()]
        while take("|") { alternatives.append(try parseSequence()) }
        return alternatives.count == 1 ? alternatives[0] : .choice(alternatives)
    }

    private mutating func parseSequence() throws(CollabError) -> Grammar.Pattern {
        var parts: [Grammar.Pattern] = []
        while let scalar = next, scalar != "|", scalar != ")" { parts.append(try parseRepeated()) }
        return .sequence(parts)
    }

    private mutating func parseRepeated() throws(CollabError) -> Grammar.Pattern {
        let pattern = try parseAtom()
        let start = place
        guard let bounds = try parseBounds() else { return pattern }
        for bound in [bounds.least, bounds.most ?? 0] where bound > Self.mostRepetitions {
            throw unsupported("more than \(Self.mostRepetitions) repetitions", at: start)
        }
        if let most = bounds.most, most < bounds.least {
            throw malformed("repeats something at least \(bounds.least) and at most \(most) times", at: start)
        }
        // A lazy repetition matches the same texts.
        if !take("?"), next == "+" { throw unsupported("possessive repetition") }
        if let scalar = next, "*+?".unicodeScalars.contains(scalar) {
            throw malformed("repeats a repetition; put the inner one into a group")
        }
        let before = place
        if try parseBounds() != nil {
            throw malformed("repeats a repetition; put the inner one into a group", at: before)
        }
        return .repetition(pattern, least: bounds.least, most: bounds.most)
    }

    private mutating func parseBounds() throws(CollabError) -> (least: Int, most: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        // Braces that are no bounds are text.
        let start = place
        guard take("{") else { return nil }
        let least = parseNumber()
        if let least, take("}") { return (least, least) }
        if next == ",", take(",") {
            let most = parseNumber()
            if take("}") {
                if least == nil, dialect == .ecmaScript {
                    throw malformed("has bounds without a least number", at: start)
                }
                return (least ?? 0, most)
            }
        }
        place = start
        return nil
    }

    private mutating func parseNumber() -> Int? {
        var value: Int?
        while let scalar = next, ("0"..."9").contains(scalar) {
            // Larger numbers are too large whatever they are.
            value = min((value ?? 0) * 10 + Int(scalar.value - 48), 1_000_000)
            place += 1
        }
        return value
    }

    private mutating func parseAtom() throws(CollabError) -> Grammar.Pattern {
        guard let scalar = next else { return .nothing }
        switch scalar {
        case "(": return try parseGroup()
        case "[": return .scalar(try parseClass())
        case ".":
            place += 1
            return .scalar(ScalarSet(dialect == .python ? "\n" : Self.lineEnds).complement)
        case "*", "+", "?": throw malformed("repeats nothing")
        case "^", "$": throw unsupported("“\(scalar)” in the midst of text")
        case "\\":
            switch try parseEscape(inClass: false) {
            case .one(let scalar): return .text(String(Character(scalar)))
            case .set(let set): return .scalar(set)
            }
        default:
            if let bounds = try boundsAhead() { throw malformed("repeats nothing \(bounds) times") }
            place += 1
            return .text(String(Character(scalar)))
        }
    }

    /// Bounds in front of which there is nothing to repeat.
    private func boundsAhead() throws(CollabError) -> String? {
        var copy = self
        guard next == "{", try copy.parseBounds() != nil else { return nil }
        return String(String.UnicodeScalarView(scalars[place..<copy.place]))
    }

    private mutating func parseGroup() throws(CollabError) -> Grammar.Pattern {
        let start = place
        place += 1
        depth += 1
        defer { depth -= 1 }
        if depth > Self.deepest { throw unsupported("groups more than \(Self.deepest) deep") }
        if take("?") {
            if take("P=") { throw unsupported("a reference to a group", at: start) }
            if take("<=") || take("<!") || take("=") || take("!") {
                throw unsupported("a look at what surrounds a place", at: start)
            }
            if take("P<") || take("<") {
                while let scalar = next, scalar != ">" { place += scalar == ")" ? scalars.count : 1 }
                guard take(">") else { throw malformed("has a group whose name does not end", at: start) }
            } else if !take(":") {
                throw unsupported("a kind of group (flags, atomic, conditional)", at: start)
            }
        }
        let pattern = try parseChoice()
        guard take(")") else { throw malformed("has a “(” that is never closed", at: start) }
        return pattern
    }
}

/// A regular expression, read into patterns.
///
/// What is regular can be read: literals, `.`, classes, groups, alternatives, greedy and lazy repetition (which match the
/// same texts), and `^` and `$` at the ends of an alternative.
struct RegularExpression {
    /// Whose syntax and meaning it has.
    enum Dialect {
        /// Python's `re` with `re.ASCII`.
        case python
        /// ECMAScript's with the flag `u` (ECMA-262), which JSON Schema has.
        case ecmaScript
    }

    /// One alternative of the outermost level.
    struct Alternative {
        var pattern: Grammar.Pattern
        var isAnchoredAtStart = false
        var isAnchoredAtEnd = false
    }

    let alternatives: [Alternative]

    /// Reads an expression.
    ///
    /// Throws ``CollabError/Code/invalidConstraint`` for one that is malformed, and ``CollabError/Code/unsupported`` for
    /// one that uses what no automaton can do, each with the place.
    init(_ source: String, _ dialect: Dialect = .python) throws(CollabError) {
        var parser = RegularExpressionParser(source, dialect)
        alternatives = try parser.parse()
    }

    /// The texts that the expression matches from the first scalar to the last.
    var whole: Grammar.Pattern { .choice(alternatives.map(\.pattern)) }

    /// The texts in which the expression matches somewhere, over an alphabet.
    func somewhere(in alphabet: ScalarSet) -> Grammar.Pattern {
        let rest = Grammar.Pattern.repeated(.scalar(alphabet))
        return .choice(
            alternatives.map { alternative in
                .sequence(
                    (alternative.isAnchoredAtStart ? [] : [rest]) + [alternative.pattern]
                        + (alternative.isAnchoredAtEnd ? [] : [rest])
                )
            }
        )
    }
}

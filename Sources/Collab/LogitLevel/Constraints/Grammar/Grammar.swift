/// A description of the texts that an answer may be.
///
/// A grammar is a pattern, and rules that patterns may name; a rule may name itself, so texts can be nested:
///
/// ```swift
/// let sum = Grammar(
///     .sequence([.rule("term"), .repeated(.sequence([.text(" + "), .rule("term")]))]),
///     rules: [
///         "term": .choice([
///             .repeated(.scalar(.digits), 1...6),
///             .sequence([.text("("), .rule("term"), .text(")")]),
///         ])
///     ]
/// )
/// ```
///
/// Make a ``Constraint`` of it, which checks it.
public struct Grammar: Hashable, Sendable {
    /// A form of text.
    public indirect enum Pattern: Hashable, Sendable {
        /// This text; the empty one too.
        case text(String)
        /// One scalar of a set.
        case scalar(ScalarSet)
        /// One pattern after another.
        case sequence([Pattern])
        /// Any of several patterns.
        case choice([Pattern])
        /// A pattern so many times; without an upper bound as often as one likes.
        case repetition(Pattern, least: Int, most: Int?)
        /// What the rule of a name says.
        case rule(String)
    }

    /// What the whole answer looks like.
    public var root: Pattern
    /// The rules by name.
    public var rules: [String: Pattern]

    /// Makes a grammar.
    public init(_ root: Pattern, rules: [String: Pattern] = [:]) {
        self.root = root
        self.rules = rules
    }
}

extension Grammar.Pattern {
    /// A pattern any number of times, or not at all.
    public static func repeated(_ pattern: Self) -> Self { .repetition(pattern, least: 0, most: nil) }

    /// A pattern a number of times within a range.
    public static func repeated(_ pattern: Self, _ times: ClosedRange<Int>) -> Self {
        .repetition(pattern, least: times.lowerBound, most: times.upperBound)
    }

    /// A pattern at least a number of times.
    public static func repeated(_ pattern: Self, _ times: PartialRangeFrom<Int>) -> Self {
        .repetition(pattern, least: times.lowerBound, most: nil)
    }

    /// A pattern once or not at all.
    public static func optional(_ pattern: Self) -> Self { .repetition(pattern, least: 0, most: 1) }

    /// The empty text.
    public static var nothing: Self { .text("") }
}

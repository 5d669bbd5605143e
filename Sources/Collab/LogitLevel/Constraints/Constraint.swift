/// What an answer has to look like: one of several texts, a regular expression, a grammar, JSON.
///
/// A constrained model can only write what the constraint allows, since every token that would lead away from it is made
/// impossible before one is chosen:
///
/// ```swift
/// let label = try model.constrained(to: .choices(["positive", "negative"]))
/// let date = try model.constrained(to: .regularExpression(#"\d{4}-\d{2}-\d{2}"#))
/// ```
///
/// Constraints are read when they are made, so a malformed one is an error before anything is asked. They work on bytes,
/// whatever the vocabulary, and can be shared by any number of models and answers.
public struct Constraint: Sendable {
    /// What to call it in the names of models.
    public let name: String
    /// The texts that are allowed.
    public let grammar: Grammar
    /// The schema, if the constraint is JSON of one.
    public let schema: JSONSchema?
    /// What the constraint was made of, for servers that constrain answers themselves.
    package let source: Source
    let automaton: ByteAutomaton

    /// What a constraint was made of.
    package enum Source: Sendable {
        case choices([String])
        case expression(String)
        case schema
        case grammar
    }

    /// Makes a constraint of a grammar.
    ///
    /// Throws ``CollabError/Code/invalidConstraint`` for a grammar that names a rule it does not have, has a rule that
    /// begins with itself, or allows no text, and ``CollabError/Code/unsupported`` for one that is too large. Rules may be
    /// nested 64 deep.
    public init(_ name: String, _ grammar: Grammar) throws(CollabError) {
        try self.init(name, grammar, source: .grammar)
    }

    init(
        _ name: String,
        _ grammar: Grammar,
        schema: JSONSchema? = nil,
        source: Source
    ) throws(CollabError) {
        self.name = name
        self.grammar = grammar
        self.schema = schema
        self.source = source
        automaton = try ByteAutomaton(grammar)
    }

    /// The answer is one of several texts.
    ///
    /// Throws ``CollabError/Code/invalidConstraint`` if there are none, or one of them is empty.
    public static func choices(_ texts: [String]) throws(CollabError) -> Constraint {
        if texts.isEmpty { throw CollabError(.invalidConstraint, "There are no texts to choose from.") }
        if texts.contains("") { throw CollabError(.invalidConstraint, "A text to choose from is empty.") }
        return try Constraint(
            "a choice of \(texts.count)",
            Grammar(.choice(texts.map { .text($0) })),
            source: .choices(texts)
        )
    }

    /// The answer as a whole matches a regular expression.
    ///
    /// The syntax is that of Python's `re` with the flag `ASCII`: literals, `.`, classes, groups, alternatives,
    /// repetition. Anchors are implied.
    ///
    /// Throws ``CollabError/Code/invalidConstraint`` for an expression that is malformed, and
    /// ``CollabError/Code/unsupported`` for one that looks around, refers to groups, or is too large; both name the place.
    public static func regularExpression(_ source: String) throws(CollabError) -> Constraint {
        try Constraint(
            "the expression \(source)",
            Grammar(RegularExpression(source).whole),
            source: .expression(source)
        )
    }

    /// Whether a whole text is allowed.
    ///
    /// Throws ``CollabError/Code/unsupported`` if the constraint can be read in too many ways at once.
    public func allows(_ text: String) throws(CollabError) -> Bool {
        try automaton.matches(text)
    }
}

extension CollabError.Code {
    /// A regular expression, schema or grammar that is malformed, or allows nothing.
    public static let invalidConstraint = Self("invalidConstraint")
    /// An answer that ended before it was what its constraint demands; the cause is an ``UnfinishedAnswer``.
    public static let unfinishedAnswer = Self("unfinishedAnswer")
}

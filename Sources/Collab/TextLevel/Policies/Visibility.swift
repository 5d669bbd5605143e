/// What a member sees of what the members whom it hears have said.
public struct Visibility: Hashable, Sendable, Codable {
    /// How far back a member sees.
    public enum Span: String, Hashable, Sendable, Codable {
        /// Only the latest statement of each member.
        case previousRound
        /// Every statement, oldest first.
        case everything
    }

    /// How much a member is reminded of what it said itself.
    public enum OwnHistory: String, Hashable, Sendable, Codable {
        /// Nothing: it answers anew.
        case hidden
        /// What it said last.
        case latest
        /// Everything that it said.
        case everything
    }

    /// How far back a member sees.
    public var span: Span
    /// How much a member is reminded of what it said itself.
    public var ownHistory: OwnHistory
    /// Whether a statement is shown only if its author has changed its answer, or speaks for the first time.
    public var isNewOnly: Bool
    /// Whether statements are grouped by their answer: one example a group, and none for the member's own answer.
    public var isGrouped: Bool
    /// Whether a member learns who said what.
    public var namesAuthors: Bool

    /// Makes a rule.
    public init(
        span: Span = .previousRound,
        isGrouped: Bool = false,
        namesAuthors: Bool = false,
        ownHistory: OwnHistory = .latest,
        isNewOnly: Bool = false
    ) {
        self.span = span
        self.ownHistory = ownHistory
        self.isNewOnly = isNewOnly
        self.isGrouped = isGrouped
        self.namesAuthors = namesAuthors
    }

    /// One example of each answer of the previous round that differs from the member's own, without names.
    ///
    /// Few tokens for nearly the same accuracy, and no majority to conform to.
    public static let grouped = Visibility(isGrouped: true)
    /// As ``grouped``, and only answers that are new since the round before (S²-MAD).
    public static let news = Visibility(isGrouped: true, isNewOnly: true)
    /// Every latest statement, without names (Du et al. 2023).
    public static let previousRound = Visibility()
    /// Every statement ever made, with names.
    public static let complete = Visibility(span: .everything, namesAuthors: true)
}

/// What a member sees of what the members whom it hears have said.
public struct Visibility: Hashable, Sendable, Codable {
    /// How far back a member sees.
    public enum Span: String, Hashable, Sendable, Codable {
        /// Only the latest statement of each member.
        case previousRound
        /// Every statement, oldest first.
        case everything
    }

    /// How far back a member sees.
    public var span: Span
    /// Whether statements are grouped by their answer: one example a group, and none for the member's own answer.
    public var isGrouped: Bool
    /// Whether a member learns who said what.
    public var namesAuthors: Bool

    /// Makes a rule.
    public init(span: Span = .previousRound, isGrouped: Bool = false, namesAuthors: Bool = false) {
        self.span = span
        self.isGrouped = isGrouped
        self.namesAuthors = namesAuthors
    }

    /// One example of each answer of the previous round that differs from the member's own, without names.
    ///
    /// The fewest tokens for nearly the same accuracy (S²-MAD), and no majority to conform to.
    public static let grouped = Visibility(isGrouped: true)
    /// Every latest statement, without names (Du et al. 2023).
    public static let previousRound = Visibility()
    /// Every statement ever made, with names.
    public static let complete = Visibility(span: .everything, namesAuthors: true)
}

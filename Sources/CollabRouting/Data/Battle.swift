/// Two models compared on one question.
public struct Battle: Hashable, Sendable {
    /// The place of the question.
    public var question: Int
    /// The place of the first model.
    public var first: Int
    /// The place of the second model.
    public var second: Int
    /// How much the first won: 1 won, 0 lost, 0.5 a tie.
    public var outcome: Double

    /// Makes a battle.
    public init(question: Int, first: Int, second: Int, outcome: Double) {
        self.question = question
        self.first = first
        self.second = second
        self.outcome = outcome
    }
}

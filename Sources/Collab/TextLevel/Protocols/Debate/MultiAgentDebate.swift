extension DebateRules {
    /// Everybody answers, is shown all others' previous answers for so many rounds, and the last answers are voted on.
    ///
    /// Du et al. 2023: three agents, one round after the opening (two for arithmetic), whole own history, no early end, the
    /// first-declared of equal answers. Deviations: an answer that cannot be read is no vote (theirs counted as right), and
    /// a member alone is not asked again. Calls: n (1 + rounds).
    public static func multiAgentDebate(rounds: Int = 1, answers: AnswerFormat = .freeText) -> DebateRules {
        DebateRules(
            rounds: rounds,
            answers: answers,
            until: .never,
            visibility: Visibility(ownHistory: .everything),
            ballots: .last,
            ties: .firstDeclared
        )
    }
}

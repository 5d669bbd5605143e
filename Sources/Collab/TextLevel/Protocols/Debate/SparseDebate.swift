extension DebateRules {
    /// As ``multiAgentDebate(rounds:answers:)``, but members hear only some of the others.
    ///
    /// Li et al. 2024, “Improving Multi-Agent Debate with Sparse Communication Topology”: equal or better accuracy with up
    /// to 40 % fewer tokens read; strong members belong where many hear them. Default: neighbours on a ring, of density
    /// 2 / (n − 1). Deviation: own history is the latest answer. Calls: n (1 + rounds).
    public static func sparseDebate(
        rounds: Int = 1,
        topology: Topology = .ring,
        answers: AnswerFormat = .freeText
    ) -> DebateRules {
        DebateRules(
            rounds: rounds,
            answers: answers,
            until: .never,
            topology: topology,
            visibility: .previousRound,
            ballots: .last,
            ties: .firstDeclared
        )
    }

    /// Members are shown only answers that are new and differ from their own; whoever is shown nothing is not asked.
    ///
    /// Zeng et al. 2025, “S²-MAD”: up to 94.5 % fewer tokens for less than two points. Deviation: answers are told apart by
    /// their equality classes rather than by embeddings. Calls: n to n (1 + rounds).
    public static func deduplicatedDebate(rounds: Int = 2, answers: AnswerFormat = .freeText) -> DebateRules {
        DebateRules(
            rounds: rounds,
            answers: answers,
            until: .unanimity,
            visibility: .news,
            ballots: .last
        )
    }
}

extension DebateRules {
    /// Every member thinks by a method of its own, and learns from what the other methods found.
    ///
    /// Liu et al. 2025, “Breaking Mental Set” (DMAD): different methods of reasoning help more than different personas, also
    /// within one model. Default methods: think aloud step by step, step back to the principle, work it out as a program
    /// would, and answer at once. Deviations: methods are standing instructions, not separate prompting pipelines; members
    /// who agree do not go on. Calls: n to n (1 + rounds).
    public static func differentMethods(
        rounds: Int = 2,
        methods: [String] = ReasoningMethod.allCases.map(\.instruction),
        answers: AnswerFormat = .freeText,
        wording: Wording = .english
    ) -> DebateRules {
        DebateRules(
            rounds: rounds,
            answers: answers,
            until: .unanimity,
            visibility: .previousRound,
            ballots: .last,
            prompts: .standard(in: wording),
            roles: methods.map { wording($0) }
        )
    }
}

/// A way to think about a question.
public enum ReasoningMethod: String, Hashable, Sendable, Codable, CaseIterable {
    /// Step by step (Kojima et al. 2022).
    case stepByStep
    /// From the principle behind the question (Zheng et al. 2024).
    case stepBack
    /// As the steps of a program (Chen et al. 2023).
    case program
    /// The answer alone.
    case direct

    /// The standing instruction.
    public var instruction: String {
        switch self {
        case .stepByStep: "Think step by step, and end with the answer."
        case .stepBack:
            "First name the principle behind the question, then apply it, and end with the answer."
        case .program: "Work the answer out as a program would, line by line, and end with the result."
        case .direct: "Answer at once, without explanation."
        }
    }
}

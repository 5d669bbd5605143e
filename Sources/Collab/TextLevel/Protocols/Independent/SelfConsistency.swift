extension VoteRules {
    /// One model, or each of several, is sampled so many times, and the most frequent answer wins.
    ///
    /// Wang et al. 2023, “Self-consistency”: up to 40 samples at temperatures from 0.5 to 0.7. Deviations: ten samples by
    /// default, since most of the gain comes early; ties go to the surest sample, not to whichever came first. Calls:
    /// n · samples.
    public static func selfConsistency(
        samples: Int = 10,
        answers: AnswerFormat = .freeText,
        sampling: Sampling = .temperature(0.7)
    ) -> VoteRules {
        VoteRules(samples: samples, answers: answers, sampling: sampling, quorum: .atLeast(1))
    }

    /// Very many samples of a small model, or of several, and a vote.
    ///
    /// Li et al. 2024, “More Agents Is All You Need”: forty samples, answers of closed form counted. Deviation: answers are
    /// counted by their equality classes, also free text. Ties are drawn from the run's seed. Calls: n · samples.
    public static func moreAgents(samples: Int = 40, answers: AnswerFormat = .freeText) -> VoteRules {
        VoteRules(
            samples: samples,
            answers: answers,
            sampling: .temperature(1),
            ties: .seeded,
            quorum: .atLeast(1)
        )
    }

    /// Samples that a verifier scores; each votes with its score.
    ///
    /// Cobbe et al. 2021 and Li et al. 2023 (“step-aware verifier”): a vote weighted by a verifier is steadier than taking
    /// the best single sample, which ``BestOf`` does. An answer that was not scored weighs nothing. Calls:
    /// n · samples · (1 + verdicts).
    public static func verifierWeighted(
        by verifier: any TextModel,
        samples: Int = 8,
        verdicts: Int = 1,
        answers: AnswerFormat = .freeText
    ) -> VoteRules {
        VoteRules(
            samples: samples,
            answers: answers,
            aggregation: .confidenceWeighted,
            quorum: .atLeast(1),
            confidence: .verified(by: verifier, verdicts: verdicts)
        )
    }
}

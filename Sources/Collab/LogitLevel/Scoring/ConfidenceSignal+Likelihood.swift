extension ConfidenceSignal {
    /// How probable another model, or a fusion of several, finds the answer after the request as it renders it itself.
    ///
    /// It lets a cheap writer's best answer be chosen by several models together:
    ///
    /// ```swift
    /// let careful = BestOf(8, by: .likelihood(under: FuseLogits(.productOfExperts) { base; expert })) { small }
    /// ```
    ///
    /// The value is the exponential of the normalised score: by token, the geometric mean of the tokens' probabilities. Of
    /// a sum too small for that it is a smaller number that still tells the more probable text from the less probable.
    ///
    /// Nothing is written for it, so it is no call; but the judge reads the answer, and counts where it is decided who may
    /// see what is asked.
    public static func likelihood(
        under judge: some TokenScoring,
        by normalization: ScoreNormalization = .perToken
    ) -> ConfidenceSignal {
        ConfidenceSignal("likelihood under \(judge.name)", asking: [judge]) { evidence in
            let scored = try await judge.score([evidence.response.text], after: evidence.request)
            guard let score = scored.first, !score.tokenLogprobs.isEmpty else { return nil }
            return orderedExponential(score.score(normalization))
        }
    }
}

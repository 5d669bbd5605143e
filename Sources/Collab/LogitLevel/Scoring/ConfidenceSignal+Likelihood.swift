#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension ConfidenceSignal {
    /// How probable another model, or a fusion of several, finds the answer after the request as it renders it itself.
    ///
    /// It lets a cheap writer's best answer be chosen by several models together:
    ///
    /// ```swift
    /// let careful = BestOf(8, by: .likelihood(under: FuseLogits(.productOfExperts) { base; expert })) { small }
    /// ```
    ///
    /// The value is the exponential of the normalised score: by token, the geometric mean of the tokens' probabilities.
    /// Nothing is written for it, so it is no call.
    public static func likelihood(
        under judge: some TokenScoring,
        by normalization: ScoreNormalization = .perToken
    ) -> ConfidenceSignal {
        ConfidenceSignal("likelihood under \(judge.name)") { evidence in
            let scored = try await judge.score([evidence.response.text], after: evidence.request)
            guard let score = scored.first, !score.tokenLogprobs.isEmpty else { return nil }
            return exp(score.score(normalization))
        }
    }
}

/// What a continuation's log-probability is divided by before continuations of different lengths are compared.
///
/// lm-evaluation-harness calls accuracy by the ``sum`` `acc`, and by ``perCharacter`` `acc_norm`.
public enum ScoreNormalization: Hashable, Sendable, Codable {
    /// Nothing: the probability of the whole text, which favours short ones.
    case sum
    /// The number of tokens.
    case perToken
    /// The number of Unicode scalars, without white space in front.
    case perCharacter
    /// The number of bytes in UTF-8, without white space in front.
    case perByte
}

extension ScoredContinuation {
    /// The log-probability, divided as a normalisation says; of an empty text, 0.
    public func score(_ normalization: ScoreNormalization) -> Double {
        let counted = text.drop { $0.isWhitespace }
        let count =
            switch normalization {
            case .sum: 1
            case .perToken: tokenLogprobs.count
            case .perCharacter: counted.unicodeScalars.count
            case .perByte: counted.utf8.count
            }
        return logprob / Double(max(count, 1))
    }
}

/// A choice between texts by how probable a model finds them.
public struct ScoredChoice: Hashable, Sendable, Codable {
    /// The texts with the log-probabilities of their tokens, in the order in which they were given.
    public var continuations: [ScoredContinuation]
    /// Their scores by the normalisation that was asked for.
    public var scores: [Double]
    /// The place of the text with the highest score, the first of equal ones.
    public var best: Int

    /// The text with the highest score.
    public var text: String { continuations[best].text }

    init(_ continuations: [ScoredContinuation], _ normalization: ScoreNormalization) {
        self.continuations = continuations
        let scores = continuations.map { $0.score(normalization) }
        self.scores = scores
        best = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
    }
}

extension TokenScoring {
    /// Chooses one of several texts after a prompt: the way benchmarks ask multiple-choice questions.
    ///
    /// ```swift
    /// let choice = try await model.choose(
    ///     among: [" Paris", " Lyon"], after: .completion("The capital of France is"), by: .perCharacter)
    /// print(choice.text, choice.scores)
    /// ```
    ///
    /// Nothing is written. Throws ``CollabError/Code/invalidRequest`` for no texts or an empty one, and what
    /// ``score(_:after:)`` throws.
    public func choose(
        among texts: [String],
        after request: Request,
        by normalization: ScoreNormalization = .sum
    ) async throws(CollabError) -> ScoredChoice {
        if texts.isEmpty { throw CollabError(.invalidRequest, "There are no texts to choose from.") }
        if texts.contains("") {
            throw CollabError(.invalidRequest, "A text to choose from is empty: nothing is more probable.")
        }
        return ScoredChoice(try await score(texts, after: request), normalization)
    }
}

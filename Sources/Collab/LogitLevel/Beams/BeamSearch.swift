/// How an answer is searched for by keeping several beginnings of it at once.
///
/// A beam's score is its log-probability divided by its length to the power of the penalty, where the length counts every
/// token that was written, an end token too. These are the definitions of Hugging Face's transformers, and so are the
/// results: of the best continuations of all beams, as many again for each end token, those that are over and among the
/// first `width` are set aside, and the best of the others are gone on with.
public struct BeamSearch: Hashable, Sendable, Codable {
    /// When the search is over.
    public enum Stopping: String, Hashable, Sendable, Codable {
        /// As soon as `width` answers are finished.
        case whenFull
        /// When no beam is better, by its score at its present length, than the worst of `width` finished answers.
        case whenUnlikely
        /// When no beam can become better than the worst of `width` finished answers, however long it gets.
        case whenImpossible
    }

    /// How many beams are gone on with.
    public var width: Int
    /// The power of the length; 0 compares probabilities, more favours long answers.
    public var lengthPenalty: Double
    /// When the search is over.
    public var stopping: Stopping

    /// Makes a rule.
    public init(width: Int = 4, lengthPenalty: Double = 1, stopping: Stopping = .whenUnlikely) {
        self.width = width
        self.lengthPenalty = lengthPenalty
        self.stopping = stopping
    }

    /// Throws ``CollabError/Code/invalidRequest`` if a value is out of range.
    public func validate() throws(CollabError) {
        guard (1...256).contains(width) else {
            throw CollabError(.invalidRequest, "A beam search of width \(width): it must be from 1 to 256.")
        }
        guard lengthPenalty.isFinite else {
            throw CollabError(.invalidRequest, "The length penalty \(lengthPenalty) is not a finite number.")
        }
    }
}

/// An answer that a beam search found.
public struct Beam: Hashable, Sendable {
    /// The tokens, without an end token.
    public var tokens: [TokenID]
    /// Their text, up to a stop sequence if there is one.
    public var text: String
    /// Natural logarithm of the answer's probability, that of its end included if it ended.
    public var logprob: Double
    /// The log-probability by the length penalty.
    public var score: Double
    /// Why it ended.
    public var ending: Response.Ending
}

extension LogitModel {
    /// Searches for the best answers: the finished ones, best first, at most as many as the search is wide.
    ///
    /// The distributions are the model's own; the request's sampling does not matter. Beams share the prompt and are read
    /// side by side. A constrained model's beams all keep to the constraint.
    ///
    /// ```swift
    /// for beam in try await model.beams(BeamSearch(width: 4), for: "Translate: good morning") {
    ///     print(beam.score, beam.text)
    /// }
    /// ```
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for a rule or options that make no sense, and what decoding throws.
    public func beams(_ search: BeamSearch, for request: Request) async throws(CollabError) -> [Beam] {
        try await findBeams(search, for: request).beams.map(\.beam)
    }

    /// The beams, what they took, and where they began.
    func findBeams(
        _ search: BeamSearch,
        for request: Request
    ) async throws(CollabError) -> (beams: [FoundBeam], usage: Usage, start: DecodingStart) {
        try search.validate()
        try request.validate()
        try checkCancellation()
        let start = try await startDecoding(request)
        var run = BeamRun(self, search, request, start)
        while try await run.step() {}
        let usage = Usage(
            promptTokens: start.promptTokens,
            cachedTokens: start.cachedTokens,
            completionTokens: run.tokensRead,
            calls: 1
        )
        return (run.results, usage, start)
    }

    /// The model as one that answers with the best beam.
    public func searchingBeams(_ search: BeamSearch = BeamSearch()) -> BeamModel<Self> {
        BeamModel(base: self, search: search)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A way to tell how sure a model was of an answer, as a number between 0 and 1.
///
/// A signal that cannot be measured is `nil`: a server that reports no log-probabilities gives no token probability,
/// and the first draft agrees with nobody. No threshold ever accepts what was not measured.
public struct ConfidenceSignal: Sendable, CustomStringConvertible {
    /// Measures the confidence of an answer; `nil` where it cannot be measured.
    public typealias Measure = @Sendable (_ evidence: Evidence) async throws -> Double?

    /// What a signal may look at.
    public struct Evidence: Sendable {
        /// What was asked.
        public var request: Request
        /// What was answered.
        public var response: Response
        /// The model that answered; signals that ask it again call it through its run.
        public var model: any TextModel
        /// The drafts that were there before, oldest first.
        public var earlier: [Draft]

        /// Makes evidence.
        public init(request: Request, response: Response, model: any TextModel, earlier: [Draft] = []) {
            self.request = request
            self.response = response
            self.model = model
            self.earlier = earlier
        }
    }

    /// What is measured, as it reads in a trace.
    public let description: String
    /// How many alternatives at each token the signal needs; they are asked for with the answer.
    public let alternatives: Int
    /// How many calls measuring makes, for each answer.
    public let callRange: ClosedRange<Int>
    /// The models that measuring asks beside the one that answered; what is asked goes to them, too (``ModelProfile``).
    public let models: [any TextModel]
    private let body: Measure

    /// Makes a signal.
    public init(
        _ description: String,
        alternatives: Int = 0,
        callRange: ClosedRange<Int> = 0...0,
        asking models: [any TextModel] = [],
        measure: @escaping Measure
    ) {
        self.description = description
        self.alternatives = alternatives
        self.callRange = callRange
        self.models = models
        body = measure
    }

    /// Measures the confidence of an answer; a value that is not finite counts as not measured.
    public func measure(_ evidence: Evidence) async throws(CollabError) -> Double? {
        do {
            guard let value = try await body(evidence), value.isFinite else { return nil }
            return value
        } catch {
            throw CollabError(wrapping: error, "Measuring the \(description) failed.")
        }
    }

    /// Measures an answer; `nil` if that fails, and the trace says why: an answer that is there is not lost because
    /// whoever judges it is not.
    func measureIfPossible(_ evidence: Evidence) async throws(CollabError) -> Double? {
        do throws(CollabError) { return try await measure(evidence) } catch {
            guard error.isPassing else { throw error }
            Run.note("not measured", "\(error.code): \(error.message)")
            return nil
        }
    }
}

extension ConfidenceSignal {
    /// The geometric mean of the tokens' probabilities: exp(Σ log p / T), independent of the answer's length.
    public static let meanTokenProbability = overTokens("mean token probability") { logprobs in
        exp(logprobs.reduce(0, +) / Double(logprobs.count))
    }

    /// The probability of the least probable token.
    public static let minimumTokenProbability = overTokens("minimum token probability") { logprobs in
        exp(logprobs.min() ?? -.infinity)
    }

    /// The probability of the whole answer: exp(Σ log p). Long answers have small ones, which keep their order even where
    /// they are too small for that.
    public static let sequenceProbability = overTokens("probability of the answer") { logprobs in
        orderedExponential(logprobs.reduce(0, +))
    }

    /// The probability below which a share `quantile` of the tokens lies (nearest rank); 0 is the minimum.
    ///
    /// Quantiles are less sensitive to length than the sum or the mean (Gupta et al. 2024).
    public static func tokenProbability(quantile: Double) -> ConfidenceSignal {
        let quantile = min(max(quantile, 0), 1)
        return overTokens("token probability at quantile \(quantile)") { logprobs in
            let rank = Int((quantile * Double(logprobs.count)).rounded(.up)) - 1
            return exp(logprobs.sorted()[min(max(rank, 0), logprobs.count - 1)])
        }
    }

    /// How far the most probable first token is ahead of the second: p₁ − p₂. Needs a model that reports alternatives.
    public static let firstTokenMargin = ConfidenceSignal("margin of the first token", alternatives: 2) {
        evidence in
        guard let first = evidence.response.tokens?.first, first.alternatives.count >= 2 else { return nil }
        return exp(first.alternatives[0].logprob) - exp(first.alternatives[1].logprob)
    }

    /// A signal of the program's own; returning `nil` says that it could not be measured.
    public static func measured(
        _ description: String,
        _ measure: @escaping Measure
    ) -> ConfidenceSignal {
        ConfidenceSignal(description, measure: measure)
    }

    /// A signal from the log-probabilities of the answer's tokens; `nil` if there are none.
    private static func overTokens(
        _ description: String,
        _ value: @escaping @Sendable ([Double]) -> Double
    ) -> ConfidenceSignal {
        ConfidenceSignal(description) { evidence in
            guard let tokens = evidence.response.tokens, !tokens.isEmpty else { return nil }
            return value(tokens.map(\.logprob))
        }
    }
}

/// eˣ, which a `Double` cannot hold below x = −745: from −700 on it falls as 1/x does, so that a larger x still has a larger
/// value, and a finite x one above 0.
func orderedExponential(_ exponent: Double) -> Double {
    let least = -700.0
    return exponent >= least ? exp(exponent) : exp(least) * (least / exponent)
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Something that tells, from a question and an answer, how probably the answer is right.
public protocol AnswerScorer: Sendable {
    /// What to call it in traces.
    var name: String { get }
    /// The probability that an answer is right; `nil` if it cannot be told.
    func score(_ request: Request, _ response: Response) async throws(CollabError) -> Double?
}

extension ConfidenceSignal {
    /// What a scorer thinks of the answer (Chen, Zaharia and Zou 2023, “FrugalGPT”).
    public static func scored(by scorer: some AnswerScorer) -> ConfidenceSignal {
        ConfidenceSignal("score by \(scorer.name)") { evidence in
            try await scorer.score(evidence.request, evidence.response)
        }
    }
}

/// A logistic regression on hashed words and letter groups of question and answer, on the answer's length, and on its
/// token probabilities where they are reported. It needs no model, and is learned in seconds.
public struct LogisticScorer: AnswerScorer, Hashable, Codable {
    /// A judged answer.
    public struct Example: Sendable {
        /// The question.
        public var question: String
        /// The answer.
        public var answer: String
        /// The mean log-probability of its tokens, if known.
        public var meanLogprob: Double?
        /// How good it is, from 0 to 1.
        public var quality: Double

        /// Makes an example.
        public init(question: String, answer: String, meanLogprob: Double? = nil, quality: Double) {
            self.question = question
            self.answer = answer
            self.meanLogprob = meanLogprob
            self.quality = quality
        }
    }

    /// What to call it in traces.
    public var name: String { "a trained scorer" }
    /// How texts become vectors.
    public let features: NGramFeatures
    /// The weights that are not zero.
    private var weights: [UInt32: Float] = [:]
    private var bias: Float = 0

    /// Learns from judged answers, by stochastic gradient descent with a rate for each weight (AdaGrad, Duchi et al.
    /// 2011).
    ///
    /// - Parameters:
    ///   - examples: judged answers.
    ///   - features: how texts become vectors.
    ///   - epochs: how often each example is seen.
    ///   - rate: the first step's size.
    ///   - penalty: how strongly weights are drawn to 0 at each step.
    ///   - seed: the order of the examples; the same seed gives the same scorer.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` without examples, or for qualities outside 0…1.
    public init(
        learnedFrom examples: [Example],
        features: NGramFeatures = NGramFeatures(characters: nil, buckets: 1 << 18),
        epochs: Int = 10,
        rate: Float = 0.3,
        penalty: Float = 1e-4,
        seed: UInt64 = 0
    ) throws(CollabError) {
        try examples.map { ScoredOutcome(score: 0, quality: $0.quality) }.validate(for: "a scorer")
        self.features = features
        let vectors = examples.map { vector($0.question, $0.answer, $0.meanLogprob) }
        var squares: [UInt32: Float] = [:]
        var biasSquares: Float = 1e-6
        var order = Array(examples.indices)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<max(epochs, 1) {
            order.shuffle(using: &random)
            for index in order {
                let error = Float(sigmoid(Double(margin(vectors[index])))) - Float(examples[index].quality)
                for (place, value) in zip(vectors[index].indices, vectors[index].values) {
                    let weight = weights[place, default: 0]
                    let gradient = error * value + penalty * weight
                    squares[place, default: 1e-6] += gradient * gradient
                    weights[place] = weight - rate * gradient / squares[place, default: 1].squareRoot()
                }
                biasSquares += error * error
                bias -= rate * error / biasSquares.squareRoot()
            }
        }
    }

    /// The probability that an answer is right.
    public func score(_ request: Request, _ response: Response) async throws(CollabError) -> Double? {
        let logprobs = response.tokens?.map(\.logprob) ?? []
        let mean = logprobs.isEmpty ? nil : logprobs.reduce(0, +) / Double(logprobs.count)
        return score(question: request.question, answer: response.text, meanLogprob: mean)
    }

    /// The probability that an answer is right.
    public func score(question: String, answer: String, meanLogprob: Double? = nil) -> Double {
        sigmoid(Double(margin(vector(question, answer, meanLogprob))))
    }

    private func margin(_ vector: SparseVector) -> Float {
        zip(vector.indices, vector.values).reduce(bias) { $0 + weights[$1.0, default: 0] * $1.1 }
    }

    /// Question and answer in different halves of the buckets, each of unit length, and four numbers behind them.
    private func vector(_ question: String, _ answer: String, _ meanLogprob: Double?) -> SparseVector {
        var elements: [UInt32: Float] = [:]
        for (half, text) in [question, answer].enumerated() {
            let counts = features.counts(of: text)
            let length = counts.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (place, value) in zip(counts.indices, counts.values) where length > 0 {
                elements[place &* 2 &+ UInt32(half)] = value / length
            }
        }
        let end = features.buckets &* 2
        elements[end] = Float(log(1 + Double(answer.utf8.count))) / 8
        elements[end &+ 1] = Float(log(1 + Double(question.utf8.count))) / 8
        if let meanLogprob {
            elements[end &+ 2] = 1
            elements[end &+ 3] = Float(exp(meanLogprob))
        }
        return SparseVector(elements)
    }
}

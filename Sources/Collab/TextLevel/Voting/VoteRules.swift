/// How a ``Vote`` is held.
public struct VoteRules: Sendable {
    /// How often each member is asked.
    public var samples: Int
    /// What kind of answer is expected.
    public var answers: AnswerFormat
    /// How tokens are chosen when a member is asked more than once and the request says greedy.
    public var sampling: Sampling
    /// How votes become one answer.
    public var aggregation: Aggregation
    /// How ties are broken.
    public var ties: TieRule
    /// How many calls must succeed.
    public var quorum: Quorum
    /// When the stage settles the question.
    public var settling: Settling
    /// How sure a speaker is of what it says.
    public var confidence: ConfidenceSignal

    /// Makes rules.
    public init(
        samples: Int = 1,
        answers: AnswerFormat = .freeText,
        sampling: Sampling = .temperature(0.7),
        aggregation: Aggregation = .plurality,
        ties: TieRule = .highestConfidence,
        quorum: Quorum = .majority,
        settling: Settling = .always,
        confidence: ConfidenceSignal = .meanTokenProbability
    ) {
        self.samples = samples
        self.answers = answers
        self.sampling = sampling
        self.aggregation = aggregation
        self.ties = ties
        self.quorum = quorum
        self.settling = settling
        self.confidence = confidence
    }

    /// The models that are asked about the answers, without being members.
    var consulted: [any TextModel] { (aggregation.arbiter?.models ?? []) + confidence.models }

    /// The debate without any exchange that the vote is.
    func session(_ models: [any TextModel], _ request: Request) throws(CollabError) -> DebateSession {
        if samples < 1 {
            throw CollabError(
                .invalidRequest,
                "A vote of \(samples) samples decides nothing; take 1 or more."
            )
        }
        try validateSeats(samples, for: models.count)
        var request = request
        if samples > 1, request.options.sampling.temperature == 0 { request.options.sampling = sampling }
        let rules = DebateRules(
            rounds: 0,
            answers: answers,
            aggregation: aggregation,
            ties: ties,
            quorum: quorum,
            settling: settling,
            confidence: confidence
        )
        let copies = models.flatMap { Array(repeating: $0, count: samples) }
        return try DebateSession(rules: rules, models: copies, request: request)
    }
}

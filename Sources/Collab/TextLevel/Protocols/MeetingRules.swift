/// How a ``Meeting`` reads answers, and what it does about failures, ties and disagreement.
public struct MeetingRules: Sendable {
    /// What kind of answer is expected.
    public var answers: AnswerFormat
    /// How many members must answer when all are asked.
    public var quorum: Quorum
    /// How votes become one answer.
    public var aggregation: Aggregation
    /// How ties are broken.
    public var ties: TieRule
    /// When the stage settles the question; an answer that was streamed settles it in any case.
    public var settling: Settling
    /// How tokens are chosen when a member is asked for several samples and the request says greedy.
    public var sampling: Sampling
    /// How many characters of a text are shown to others at most; its end is kept.
    public var excerptLength: Int
    /// The words in which members are asked, and by which their yes and no is known.
    public var wording: Wording

    /// Makes rules.
    public init(
        answers: AnswerFormat = .freeText,
        quorum: Quorum = .majority,
        aggregation: Aggregation = .plurality,
        ties: TieRule = .highestConfidence,
        settling: Settling = .always,
        sampling: Sampling = .temperature(0.7),
        excerptLength: Int = 1200,
        wording: Wording = .english
    ) {
        self.answers = answers
        self.quorum = quorum
        self.aggregation = aggregation
        self.ties = ties
        self.settling = settling
        self.sampling = sampling
        self.excerptLength = excerptLength
        self.wording = wording
    }
}

/// Something that happened in a run, as it happens.
///
/// The events of a run, folded, give its ``Trace``; progress displays fold over them live.
public struct RunEvent: Sendable {
    /// What happened.
    public enum Kind: Sendable {
        /// A stage, a collaboration or a call began.
        case started(TraceNode.Kind, name: String)
        /// A member wrote a piece of text (an interim answer, or the final one).
        case text(String)
        /// A decision was taken.
        case decided(Decision)
        /// A stage recorded a fact about itself.
        case noted(key: String, value: String)
        /// A member took its turn in a text-level collaboration.
        case spoke(Turn)
        /// A stage, a collaboration or a call ended.
        case finished(Usage)
        /// A stage, a collaboration or a call failed.
        case failed(CollabError.Code, message: String)
    }

    /// The node of the trace that it belongs to.
    public var node: Int
    /// The node above it; `nil` at the top.
    public var parent: Int?
    /// Time since the run began.
    public var time: Duration
    /// What happened.
    public var kind: Kind
    /// How many events just before this one were dropped because the reader was too far behind.
    public var skipped = 0
}

/// A choice that a stage made, with everything that led to it.
public struct Decision: Hashable, Sendable, Codable {
    /// A candidate and its score.
    public struct Score: Hashable, Sendable, Codable {
        /// The candidate.
        public var candidate: String
        /// Its score; `nil` if none could be measured.
        public var value: Double?
        /// What an answer of it was expected to cost, in the unit of whoever decided; `nil` if that was not weighed.
        public var cost: Double?
        /// Between which amounts an answer of it costs, by the prices of its members; `nil` if nobody has told them.
        public var price: PriceEstimate?

        /// Makes a score.
        public init(
            _ candidate: String,
            _ value: Double?,
            cost: Double? = nil,
            price: PriceEstimate? = nil
        ) {
            self.candidate = candidate
            self.value = value
            self.cost = cost
            self.price = price
        }
    }

    /// What was chosen.
    public var choice: String
    /// Why, in one sentence.
    public var reason: String
    /// By what rule, whatever the scores were; `nil` if there is no name for it.
    public var rule: String?
    /// All candidates with their scores, in declaration order.
    public var scores: [Score]
    /// The threshold that scores were held against, if there was one.
    public var threshold: Double?
    /// The answer that was chosen, where members' answers were decided between.
    public var answer: Answer?
    /// The member or team that was asked, where it was decided whom to ask; `nil` where something else was decided.
    public var asked: String?

    /// Makes a decision.
    public init(
        choice: String,
        reason: String,
        scores: [Score] = [],
        threshold: Double? = nil,
        answer: Answer? = nil,
        asked: String? = nil,
        rule: String? = nil
    ) {
        self.choice = choice
        self.reason = reason
        self.rule = rule
        self.scores = scores
        self.threshold = threshold
        self.answer = answer
        self.asked = asked
    }
}

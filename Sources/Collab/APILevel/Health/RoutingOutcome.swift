/// A decision whom to ask or whether to ask on, and what came of it: a line of the outcome log.
///
/// As JSON a line looks like this; what is not known is left out:
///
/// ```json
/// {"id":"7a3f-0","request":"What is 17 + 25?","kind":"arithmetic","features":[0.1,0.2],
///  "decision":{"place":"cascade","choice":"small","reason":"…","threshold":0.8,"asked":"small"},
///  "scores":{"small":0.91},
///  "members":[{"name":"small","confidence":0.91,"quality":1,"cost":0.0001,"latency":0.4}],
///  "outcome":{"quality":1,"cost":0.0001,"latency":0.4,"calls":1}}
/// ```
public struct RoutingOutcome: Hashable, Sendable, Codable, Identifiable {
    /// What was decided.
    public struct Choice: Hashable, Sendable, Codable {
        /// The stage or collaboration that decided.
        public var place: String
        /// What it chose.
        public var choice: String
        /// Why.
        public var reason: String
        /// What the scores were held against, if anything.
        public var threshold: Double?
        /// The member or team whose answer was taken, accepted or not; `nil` if something else was decided.
        public var asked: String?

        /// Makes a choice.
        public init(
            place: String,
            choice: String,
            reason: String = "",
            threshold: Double? = nil,
            asked: String? = nil
        ) {
            self.place = place
            self.choice = choice
            self.reason = reason
            self.threshold = threshold
            self.asked = asked
        }
    }

    /// A member that was asked.
    public struct Member: Hashable, Sendable, Codable {
        /// Its name.
        public var name: String
        /// How sure it was; `nil` if that was not measured.
        public var confidence: Double?
        /// How good its answer was, from 0 to 1; `nil` if nobody judged it.
        public var quality: Double?
        /// What it cost, in whole units of money.
        public var cost: Double
        /// How long it took, in seconds.
        public var latency: Double

        /// Makes a member.
        public init(
            name: String,
            confidence: Double? = nil,
            quality: Double? = nil,
            cost: Double = 0,
            latency: Double = 0
        ) {
            self.name = name
            self.confidence = confidence
            self.quality = quality
            self.cost = cost
            self.latency = latency
        }
    }

    /// What came of it.
    public struct Result: Hashable, Sendable, Codable {
        /// How good the answer was, from 0 to 1; `nil` if nobody judged it.
        public var quality: Double?
        /// What the whole answer cost, in whole units of money; of calls whose price is not known, nothing.
        public var cost: Double
        /// How long it took, in seconds.
        public var latency: Double
        /// How many calls it took.
        public var calls: Int

        /// Makes a result.
        public init(quality: Double? = nil, cost: Double = 0, latency: Double = 0, calls: Int = 0) {
            self.quality = quality
            self.cost = cost
            self.latency = latency
            self.calls = calls
        }
    }

    /// Which answer it belongs to; the decisions of one answer share it. A later judgement names it.
    public var id: String
    /// The question.
    public var request: String
    /// What sort of question it is, if the program told.
    public var kind: String?
    /// What the question was turned into for the decision, if the program told: an embedding, say.
    public var features: [Float]?
    /// What was decided.
    public var decision: Choice
    /// The candidates' scores, as far as they were measured.
    public var scores: [String: Double]
    /// The candidates that were asked, in order.
    public var members: [Member]
    /// What came of it.
    public var outcome: Result

    /// Makes an outcome.
    public init(
        id: String,
        request: String,
        kind: String? = nil,
        features: [Float]? = nil,
        decision: Choice,
        scores: [String: Double] = [:],
        members: [Member] = [],
        outcome: Result = Result()
    ) {
        self.id = id
        self.request = request
        self.kind = kind
        self.features = features
        self.decision = decision
        self.scores = scores
        self.members = members
        self.outcome = outcome
    }
}

extension RoutingOutcome {
    /// The same without what cannot be compared: scores that are no numbers, qualities beyond 0…1.
    var readable: RoutingOutcome {
        func quality(_ value: Double?) -> Double? { value.flatMap { (0...1).contains($0) ? $0 : nil } }
        var outcome = self
        outcome.scores = scores.filter { $0.value.isFinite }
        outcome.outcome.quality = quality(self.outcome.quality)
        for place in members.indices {
            outcome.members[place].quality = quality(members[place].quality)
        }
        return outcome
    }
}

/// Where outcomes are kept: a file, or a list in memory.
public protocol OutcomeRecorder: Sendable {
    /// Keeps the outcomes of one answer.
    func record(_ outcomes: [RoutingOutcome]) async throws(CollabError)
}

/// Outcomes in memory.
public final class OutcomeCollector: OutcomeRecorder {
    private let kept = Protected<[RoutingOutcome]>([])

    /// Makes an empty list.
    public init() {}

    /// The outcomes, oldest first.
    public var outcomes: [RoutingOutcome] { kept.withLock { $0 } }

    /// Adds outcomes.
    public func record(_ outcomes: [RoutingOutcome]) async throws(CollabError) {
        kept.withLock { $0 += outcomes }
    }
}

/// Which members a cascade asks, in which order, and above which score each one's answer is accepted.
///
/// Made by ``search(_:budget:depth:thresholds:)`` from recorded answers, kept as JSON, and run with
/// `Cascade(following: plan) { … }`.
public struct CascadePlan: Hashable, Sendable, Codable {
    /// A member's place.
    public struct Step: Hashable, Sendable, Codable {
        /// The member's name.
        public var member: String
        /// The score above which its answer is accepted; `nil` for the last one, whose answer is taken in any case.
        public var threshold: Double?

        /// Makes a step.
        public init(member: String, threshold: Double?) {
            self.member = member
            self.threshold = threshold
        }
    }

    /// The members, in the order in which they are asked.
    public var steps: [Step]
    /// The mean quality on the recorded answers.
    public var quality: Double
    /// The mean cost on the recorded answers.
    public var cost: Double

    /// Makes a plan.
    public init(steps: [Step], quality: Double, cost: Double) {
        self.steps = steps
        self.quality = quality
        self.cost = cost
    }

    /// What some members answered to the same questions, in the same order.
    public struct Record: Hashable, Sendable, Codable {
        /// The member.
        public var member: String
        /// How sure a scorer was of each answer.
        public var scores: [Double]
        /// How good each answer was.
        public var qualities: [Double]
        /// What each answer cost.
        public var costs: [Double]

        /// Makes a record.
        public init(member: String, scores: [Double], qualities: [Double], costs: [Double]) {
            self.member = member
            self.scores = scores
            self.qualities = qualities
            self.costs = costs
        }
    }

    /// The best cascade within a budget: the greatest mean quality over all ordered lists of up to `depth` members and
    /// all thresholds at quantiles of their scores (Chen, Zaharia and Zou 2023, “FrugalGPT”).
    ///
    /// Every answer before the accepted one is paid for. Of equal qualities the cheaper plan is taken. The time grows
    /// with the number of lists times the number of questions: nine members, three deep, 5,000 questions take well
    /// under a second in a release build. The quality is that on these questions, of which the best was chosen: expect
    /// a little less on others, and measure it with ``evaluate(on:)`` on questions that were kept back.
    ///
    /// - Parameters:
    ///   - records: what the members answered.
    ///   - budget: the greatest mean cost.
    ///   - depth: how many members are asked at most, from 1 to 3.
    ///   - thresholds: how many thresholds are tried at each step.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for records of different lengths, numbers that are not finite, or if
    /// no member fits into the budget.
    public static func search(
        _ records: [Record],
        budget: Double,
        depth: Int = 3,
        thresholds: Int = 20
    ) throws(CollabError) -> CascadePlan {
        let count = try validate(records)
        guard (1...3).contains(depth), thresholds >= 1, budget.isFinite else {
            throw CollabError(
                .invalidRequest,
                "A search is 1 to 3 deep, tries 1 threshold or more, and has a finite budget."
            )
        }
        let search = PlanSearch(records, count: count, thresholds: thresholds, budget: budget)
        guard let best = search.best(depth: depth) else {
            throw CollabError(.invalidRequest, "No member's answers cost \(budget) or less on average.")
        }
        return best
    }

    /// The mean quality and cost of the plan on other recorded answers.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if a member of the plan is not among them.
    public func evaluate(on records: [Record]) throws(CollabError) -> (quality: Double, cost: Double) {
        let count = try Self.validate(records)
        var found: [(Record, Double?)] = []
        for step in steps {
            guard let record = records.first(where: { $0.member == step.member }) else {
                throw CollabError(.invalidRequest, "There is no record of \(step.member).")
            }
            found.append((record, step.threshold))
        }
        var (quality, cost) = (0.0, 0.0)
        for item in 0..<count {
            for (place, (record, threshold)) in found.enumerated() {
                cost += record.costs[item]
                if place == found.count - 1 || threshold.map({ record.scores[item] > $0 }) ?? true {
                    quality += record.qualities[item]
                    break
                }
            }
        }
        return (quality / Double(count), cost / Double(count))
    }

    private static func validate(_ records: [Record]) throws(CollabError) -> Int {
        let count = records.first?.scores.count ?? 0
        let isFine = records.allSatisfy { record in
            record.scores.count == count && record.qualities.count == count && record.costs.count == count
                && (record.scores + record.qualities + record.costs).allSatisfy(\.isFinite)
        }
        guard count > 0, isFine else {
            throw CollabError(
                .invalidRequest,
                "A cascade is planned from one recorded answer or more of each member, all finite and equally many."
            )
        }
        return count
    }
}

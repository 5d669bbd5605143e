/// A member's vote.
public struct Ballot: Hashable, Sendable, Codable {
    /// The member's place in the team.
    public var member: Int
    /// The member's name.
    public var name: String
    /// What it votes for; an unparsed answer is no vote.
    public var answer: Answer
    /// How sure it is, between 0 and 1; `nil` if that was not measured.
    public var confidence: Double?
    /// The text that the answer was read from; `nil` if it was not kept.
    public var text: String?

    /// Makes a ballot.
    public init(
        member: Int,
        name: String,
        answer: Answer,
        confidence: Double? = nil,
        text: String? = nil
    ) {
        self.member = member
        self.name = name
        self.answer = answer
        self.confidence = confidence
        self.text = text
    }
}

/// How votes become one answer.
///
/// Most rules count. Some ask models where members disagree: ``judge(_:calibration:finalists:)`` and
/// ``synthesis(by:prompts:)``; where these cannot answer, the plurality stands. So it does where no vote weighs anything,
/// since nothing is known of those who voted.
public struct Aggregation: Sendable, CustomStringConvertible {
    /// The rule's name.
    public let description: String
    private let weigh: @Sendable ([Tally.Candidate]) -> [Double]
    private let preference: (@Sendable (Ballot) -> Double)?
    /// Who decides where members disagree; `nil`: the weights alone do.
    public let arbiter: (any Arbiter)?

    /// Makes a rule that gives every ballot a weight; the answer with the greatest sum wins.
    ///
    /// - Parameter preference: decides between answers of equal weight, before the tie rule is asked: the one whose
    ///   best ballot is preferred wins.
    public init(
        _ description: String,
        weight: @escaping @Sendable (Ballot) -> Double,
        preferring preference: (@Sendable (Ballot) -> Double)? = nil
    ) {
        self.description = description
        weigh = { candidates in candidates.map { $0.ballots.reduce(0) { $0 + Self.usable(weight($1)) } } }
        self.preference = preference
        arbiter = nil
    }

    /// Makes a rule that weighs each answer in view of all of them; the one with the greatest weight wins.
    public init(
        _ description: String,
        weighing weigh: @escaping @Sendable ([Tally.Candidate]) -> [Double]
    ) {
        self.description = description
        self.weigh = weigh
        preference = nil
        arbiter = nil
    }

    /// Makes a rule by which models decide where members disagree.
    public init(_ description: String, arbiter: any Arbiter) {
        self.description = description
        weigh = { candidates in candidates.map { Double($0.ballots.count) } }
        preference = nil
        self.arbiter = arbiter
    }

    static func usable(_ weight: Double) -> Double { weight.isFinite && weight > 0 ? weight : 0 }

    /// One member, one vote.
    public static let plurality = Aggregation("plurality", weight: { _ in 1 })

    /// Votes weigh as much as their members are sure; an unmeasured confidence weighs nothing, and if none was measured the
    /// plurality stands.
    public static let confidenceWeighted = Aggregation(
        "confidence-weighted vote",
        weight: { $0.confidence ?? 0 }
    )

    /// Votes weigh what the program says, by the member's name; members without a weight have 1.
    public static func weighted(_ weights: [String: Double]) -> Aggregation {
        Aggregation("weighted vote", weight: { weights[$0.name] ?? 1 })
    }

    /// Counts votes, without asking anybody.
    public func count(_ ballots: [Ballot], ties: TieRule) -> Tally {
        var candidates = Self.candidates(of: ballots)
        let weights = weigh(candidates)
        for (index, weight) in zip(candidates.indices, weights) {
            candidates[index].weight = Self.usable(weight)
        }
        return tally(candidates, unparsed: ballots.count { !$0.answer.isParsed }, ties: ties)
    }

    /// The answers, in the order in which they were first given, with their votes and without weights.
    static func candidates(of ballots: [Ballot]) -> [Tally.Candidate] {
        var candidates: [Tally.Candidate] = []
        for ballot in ballots where ballot.answer.isParsed {
            if let index = candidates.firstIndex(where: { $0.answer == ballot.answer }) {
                candidates[index].ballots.append(ballot)
            } else {
                candidates.append(Tally.Candidate(answer: ballot.answer, weight: 0, ballots: [ballot]))
            }
        }
        return candidates
    }

    private static func greatest(_ places: [Int], by value: (Int) -> Double) -> [Int] {
        let values = places.map(value)
        let greatest = values.max()
        return zip(places, values).filter { $0.1 == greatest }.map { $0.0 }
    }

    /// The result of weights: the greatest wins, then the preferred one, then the tie rule decides.
    func tally(_ candidates: [Tally.Candidate], unparsed: Int, ties: TieRule) -> Tally {
        let highest = candidates.map(\.weight).max() ?? 0
        var leaders = candidates.indices.filter { candidates[$0].weight == highest }
        if leaders.count > 1, let preference {
            leaders = Self.greatest(leaders) { candidate in
                candidates[candidate].ballots.map(preference).filter { !$0.isNaN }.max() ?? -.infinity
            }
        }
        // Where no vote weighs anything, nothing is known but how many there are.
        if highest == 0 { leaders = Self.greatest(leaders) { Double(candidates[$0].ballots.count) } }
        return Tally(
            rule: description,
            candidates: candidates,
            unparsed: unparsed,
            winner: leaders.count > 1 ? ties.choose(among: leaders, of: candidates) : leaders.first,
            tieRule: leaders.count > 1 ? ties : nil
        )
    }
}

/// The result of a vote.
public struct Tally: Hashable, Sendable, Codable {
    /// An answer and who voted for it.
    public struct Candidate: Hashable, Sendable, Codable {
        /// The answer.
        public var answer: Answer
        /// The sum of the votes' weights.
        public var weight: Double
        /// The votes, in declaration order.
        public var ballots: [Ballot]
    }

    /// How the votes were counted.
    public var rule: String
    /// The answers, in the order in which they were first given.
    public var candidates: [Candidate]
    /// How many members gave no answer that could be read.
    public var unparsed: Int
    /// The winner's index; `nil` if nobody voted.
    public var winner: Int?
    /// How a tie was broken; `nil` if there was none.
    public var tieRule: TieRule?

    /// How many members took part, the unparsed ones included.
    public var members: Int { candidates.reduce(unparsed) { $0 + $1.ballots.count } }

    /// The winning answer.
    public var answer: Answer { elected?.answer ?? .unparsed }

    /// The share of members that gave the winning answer, of all that took part; 0 without a winner.
    public var share: Double {
        guard let elected, members > 0 else { return 0 }
        return Double(elected.ballots.count) / Double(members)
    }

    /// The winner; a tally from a file may name one that is not there.
    private var elected: Candidate? {
        winner.flatMap { candidates.indices.contains($0) ? candidates[$0] : nil }
    }

    /// The votes in one line: `42 ×2, 41 ×1, unparsed ×1`.
    public var summary: String {
        var parts = candidates.map { "\($0.answer) ×\($0.ballots.count)" }
        if unparsed > 0 { parts.append("unparsed ×\(unparsed)") }
        return parts.joined(separator: ", ")
    }
}

/// How a tie between answers is broken.
public enum TieRule: String, Hashable, Sendable, Codable {
    /// The answer of the member that was declared first.
    case firstDeclared
    /// The answer drawn from the run's seed.
    case seeded
    /// The answer of the member that is surest; unmeasured or equal confidences: the one declared first.
    case highestConfidence

    func choose(among leaders: [Int], of candidates: [Tally.Candidate]) -> Int? {
        func firstMember(_ index: Int) -> Int { candidates[index].ballots.map(\.member).min() ?? .max }
        let declared = leaders.sorted { firstMember($0) < firstMember($1) }
        switch self {
        case .firstDeclared: return declared.first
        case .seeded:
            var generator = SeededGenerator(seed: Run.current?.drawSeed("tie") ?? 0)
            return declared.randomElement(using: &generator)
        case .highestConfidence:
            func confidence(_ index: Int) -> Double {
                candidates[index].ballots.compactMap(\.confidence).max() ?? -1
            }
            var best = declared.first
            for index in declared where confidence(index) > best.map(confidence) ?? -1 { best = index }
            return best
        }
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How often each member says what when the truth is something else, learned without knowing the truth.
///
/// A. P. Dawid and A. M. Skene, *Maximum likelihood estimation of observer error-rates using the EM algorithm*, 1979: from
/// the shares of the votes as a first belief about each question, the members' tables of errors and the frequencies of the
/// classes are estimated, from these a new belief, and so on until the likelihood stands still.
///
/// It takes members as independent given the truth. Where weak members make the same errors it believes them, against a
/// strong one: on MMLU-Pro, one model of 70 % and four of 24–32 % come to 44 %. With twenty labelled examples,
/// ``Aggregation/logOdds(_:gate:)`` is better.
public struct DawidSkene: Hashable, Sendable, Codable {
    /// The members' names, in declaration order.
    public let members: [String]
    /// The classes, in the order in which they were first given.
    public let classes: [Answer]
    /// How frequent each class is.
    public private(set) var priors: [Double]
    /// For each member and true class, the probabilities of what it says.
    public private(set) var confusion: [[[Double]]]
    /// For each question that it was learned from, how probable each class is.
    public private(set) var beliefs: [[Double]]
    /// How many rounds of estimation were made.
    public private(set) var iterations = 0

    /// Learns from what members answered.
    ///
    /// - Parameters:
    ///   - names: the members.
    ///   - answers: for each question the members' answers, in declaration order; `nil` where a member was not asked. An
    ///     answer that could not be read says nothing.
    ///   - smoothing: how many answers of each kind are added to what was seen; above 0, nothing is taken for impossible.
    ///   - iterations: how many rounds of estimation are made at most.
    ///   - tolerance: the change of the log-likelihood per answer below which it ends.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if a question does not have an answer for each member, or if none could
    /// be read.
    public init(
        of names: [String],
        from answers: [[Answer?]],
        smoothing: Double = 0.01,
        iterations limit: Int = 100,
        tolerance: Double = 1e-5
    ) throws(CollabError) {
        if let index = answers.firstIndex(where: { $0.count != names.count }) {
            throw CollabError(
                .invalidRequest,
                "Question \(index) has \(answers[index].count) answers for \(names.count) members."
            )
        }
        var places: [Answer: Int] = [:]
        var classes: [Answer] = []
        for case .some(let answer) in answers.joined() where answer.isParsed && places[answer] == nil {
            places[answer] = classes.count
            classes.append(answer)
        }
        guard !classes.isEmpty else {
            throw CollabError(.invalidRequest, "There is no readable answer to learn from.")
        }
        members = names
        self.classes = classes
        let votes = answers.map { row in row.map { $0.flatMap { places[$0] } } }
        priors = []
        confusion = []
        beliefs = votes.map { row in
            let said = row.compactMap { $0 }
            return classes.indices.map { place in
                said.isEmpty
                    ? 1 / Double(classes.count) : Double(said.count { $0 == place }) / Double(said.count)
            }
        }
        let count = Double(max(votes.joined().count { $0 != nil }, 1))
        var likelihood = -Double.infinity
        for _ in 0..<max(limit, 1) {
            estimateMembers(votes, max(smoothing, 0))
            let next = estimateBeliefs(votes) / count
            iterations += 1
            if abs(next - likelihood) < tolerance { break }
            likelihood = next
        }
    }

    /// How probable each class is, given what members said to a question that it was not learned from. What was never
    /// said before, and by whom it does not know, says nothing.
    public func belief(about answers: [(member: String, answer: Answer)]) -> [Answer: Double] {
        let known = answers.compactMap { said -> (Int, Int)? in
            guard let member = members.firstIndex(of: said.member),
                let place = classes.firstIndex(of: said.answer)
            else { return nil }
            return (member, place)
        }
        let belief = Self.normalised(
            classes.indices.map { truth in
                known.reduce(log(priors[truth])) { $0 + log(confusion[$1.0][truth][$1.1]) }
            }
        )
        return Dictionary(zip(classes, belief.shares), uniquingKeysWith: { first, _ in first })
    }

    /// The most probable class of each question that it was learned from; ties go to the class that was given first.
    public var answers: [Answer] {
        beliefs.map { belief in
            var best = 0
            for place in belief.indices where belief[place] > belief[best] { best = place }
            return classes[best]
        }
    }

    private mutating func estimateMembers(_ votes: [[Int?]], _ smoothing: Double) {
        // Below this nothing is taken for impossible, so that a logarithm is finite.
        let least = 1e-10
        var counts = [[[Double]]](
            repeating: [[Double]](
                repeating: [Double](repeating: smoothing, count: classes.count),
                count: classes.count
            ),
            count: members.count
        )
        for (row, belief) in zip(votes, beliefs) {
            for (member, said) in row.enumerated() {
                guard let said else { continue }
                for truth in classes.indices { counts[member][truth][said] += belief[truth] }
            }
        }
        confusion = counts.map { table in
            table.map { row in
                let clipped = row.map { max($0, least) }
                let total = clipped.reduce(0, +)
                return clipped.map { $0 / total }
            }
        }
        priors = classes.indices.map { place in
            max(beliefs.reduce(0) { $0 + $1[place] } / Double(max(beliefs.count, 1)), least)
        }
    }

    /// Returns the log-likelihood of all answers.
    private mutating func estimateBeliefs(_ votes: [[Int?]]) -> Double {
        var likelihood = 0.0
        let logPriors = priors.map { log($0) }
        // For each member and what it says, the logarithms over the true classes.
        let logConfusion = confusion.map { table in
            classes.indices.map { said in table.map { log($0[said]) } }
        }
        for (index, row) in votes.enumerated() {
            var sums = logPriors
            for (member, said) in row.enumerated() {
                guard let said else { continue }
                let terms = logConfusion[member][said]
                for truth in sums.indices { sums[truth] += terms[truth] }
            }
            let belief = Self.normalised(sums)
            beliefs[index] = belief.shares
            likelihood += belief.logSum
        }
        return likelihood
    }

    private static func normalised(_ logarithms: [Double]) -> (shares: [Double], logSum: Double) {
        let greatest = logarithms.max() ?? 0
        let values = logarithms.map { exp($0 - greatest) }
        let total = values.reduce(0, +)
        return (values.map { $0 / total }, greatest + log(total))
    }
}

extension Aggregation {
    /// Votes weigh what the members' learned tables of errors make of all of them together: the weight of an answer is how
    /// probable it is.
    public static func dawidSkene(_ learned: DawidSkene) -> Aggregation {
        Aggregation("Dawid–Skene vote") { candidates in
            let said = candidates.flatMap { candidate in
                candidate.ballots.map { (member: $0.name, answer: candidate.answer) }
            }
            let belief = learned.belief(about: said)
            return candidates.map { belief[$0.answer] ?? 0 }
        }
    }
}

/// What is known of a team's members from labelled examples: how often each is right, what it costs, how long it
/// takes, and how alike their errors are.
///
/// Twenty labelled examples are worth more than any protocol: a vote that is weighted and gated by them finds the
/// strong member of a weak team, which a plurality does not. Strategies ask one calibration for weights, gates and
/// tie-breaks. It is a value that encodes as JSON.
///
/// <!-- fragment -->
/// ```swift
/// let calibration = try Calibration(of: ["a", "b", "c"], from: examples, options: 4)
/// let debate = Debate("debate", DebateRules(aggregation: .logOdds(calibration))) { a; b; c }
/// ```
public struct Calibration: Hashable, Sendable, Codable {
    /// What is known of one member.
    public struct Member: Hashable, Sendable, Codable {
        /// The member's name.
        public var name: String
        /// The examples that it was right on.
        public var right: Int
        /// The examples that it was asked.
        public var asked: Int
        /// The examples on which nothing could be read from what it wrote; they count as wrong.
        public var unparsed: Int
        /// What an answer costs on average; `nil` if that was not measured.
        public var cost: Money?
        /// How long an answer takes on average; `nil` if that was not measured.
        public var latency: Duration?
        /// As a judge, the share of pairs on which it gave the same verdict in both orders, of those on which both could be
        /// read; `nil` if not measured.
        public var orderConsistency: Double?

        /// Makes a record, measured or supplied.
        public init(
            name: String,
            right: Int,
            asked: Int,
            unparsed: Int = 0,
            cost: Money? = nil,
            latency: Duration? = nil,
            orderConsistency: Double? = nil
        ) {
            self.name = name
            self.right = right
            self.asked = asked
            self.unparsed = unparsed
            self.cost = cost
            self.latency = latency
            self.orderConsistency = orderConsistency
        }

        /// How often it is right, with one right and one wrong example added (Laplace), so that it is never 0 or 1.
        public var accuracy: Double { (Double(right) + 1) / (Double(asked) + 2) }
    }

    /// What is known of the examples on which so many members, and no more, gave the most frequent answer.
    public struct Agreement: Hashable, Sendable, Codable {
        /// How many members agreed.
        public var votes: Int
        /// The examples on which their answer was right.
        public var right: Int
        /// All such examples.
        public var asked: Int

        /// Makes a record.
        public init(votes: Int, right: Int, asked: Int) {
            self.votes = votes
            self.right = right
            self.asked = asked
        }

        /// How often the answer is right, with one right and one wrong example added (Laplace).
        public var accuracy: Double { (Double(right) + 1) / (Double(asked) + 2) }
    }

    /// The fewest examples from which anything is learned.
    public static let minimumExamples = 20

    /// The members, in declaration order.
    public var members: [Member]
    /// How many answers are possible; 2 where that is not known.
    public var options: Int
    /// The correlation (φ) of the errors of each two members, by declaration order; empty if it was supplied without.
    public var errorCorrelations: [[Double]]
    /// How often some member is right: what whoever always chose the right one would reach; `nil` if it was supplied
    /// without.
    public var oracle: Double?
    /// How often the most frequent answer is right, by how many members give it, fewest first; `nil` if it was supplied
    /// without.
    public var agreements: [Agreement]?
    /// What is known by kind of task, for kinds with examples enough; `nil` if kinds were not told apart.
    public var kinds: [String: Calibration]?

    /// Makes a calibration from what is already known.
    public init(members: [Member], options: Int = 2, errorCorrelations: [[Double]] = []) {
        self.members = members
        self.options = options
        self.errorCorrelations = errorCorrelations
    }

    /// What is known of a member, by its name; a second seat `name #2` of the same model is known by the model's.
    public subscript(name: String) -> Member? {
        if let member = members.first(where: { $0.name == name }) { return member }
        guard let mark = name.lastIndex(of: "#"), name.index(after: mark) < name.endIndex,
            name[name.index(after: mark)...].allSatisfy(\.isASCIIDigit)
        else { return nil }
        let model = name[..<mark].trimmed
        return members.first { $0.name == model }
    }

    /// What is known of a kind of task, or else of all tasks together.
    public subscript(kind kind: String?) -> Calibration { kind.flatMap { kinds?[$0] } ?? self }

    /// The member that is right most often (ties: the one declared first).
    public var bestSingle: Member? {
        var best: Member?
        for member in members where member.accuracy > best?.accuracy ?? -1 { best = member }
        return best
    }

    /// The mean correlation of the errors of two different members; `nil` with fewer than two.
    public var meanErrorCorrelation: Double? {
        let count = errorCorrelations.count
        guard count > 1 else { return nil }
        let sum = errorCorrelations.indices.reduce(0) { sum, row in
            sum
                + errorCorrelations[row].indices.reduce(0) {
                    $1 == row ? $0 : $0 + errorCorrelations[row][$1]
                }
        }
        return sum / Double(count * (count - 1))
    }

    /// How many independent votes the members are worth: n / (1 + (n − 1) ρ̄) (Kish), between 1 and n.
    public var effectiveVotes: Double? {
        guard let correlation = meanErrorCorrelation else { return nil }
        let count = Double(members.count)
        return min(max(count / max(1 + (count - 1) * correlation, 1e-9), 1), count)
    }
}

extension Substring {
    /// The text without white space at its ends.
    fileprivate var trimmed: String { String(self).trimmed }
}

/// How good a topology is on a small set of labelled questions: the share that a debate with it gets right, or any other
/// figure that grows with quality.
///
/// Learning calls it many times, so it is the place to limit questions and budgets.
public typealias TopologyEvaluation = @Sendable (_ topology: Topology) async throws -> Double

/// A topology that was learned, and how it came about.
public struct LearnedTopology: Hashable, Sendable, Codable {
    /// Who hears whom.
    public var topology: Topology
    /// The figure that it reached.
    public var quality: Double
    /// The best figure so far after each iteration.
    public var history: [Double]
    /// How often a topology was evaluated.
    public var evaluations: Int
}

/// A square matrix over pairs of different members, from which a topology is read.
struct PairMatrix {
    let count: Int
    var values: [Double]

    init(count: Int, repeating value: Double) {
        self.count = count
        values = Array(repeating: value, count: count * count)
    }

    /// The places of pairs of different members.
    var pairs: [Int] { values.indices.filter { $0 / count != $0 % count } }

    /// The topology in which a member hears another where a closure says so of their place.
    func topology(where isHeard: (Int) -> Bool) -> Topology {
        .custom(
            (0..<count).map { member in
                (0..<count).filter { $0 != member && isHeard(member * count + $0) }
            }
        )
    }
}

/// Evaluates; what is not finite is no figure.
func evaluated(_ topology: Topology, by evaluate: TopologyEvaluation) async throws(CollabError) -> Double {
    try checkCancellation()
    let value: Double
    do { value = try await evaluate(topology) } catch {
        throw CollabError(wrapping: error, "Evaluating the topology \(topology) failed.")
    }
    guard value.isFinite else {
        throw CollabError(.notFinite, "The quality of a topology is \(value); give a finite number.")
    }
    return value
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Two kinds of questions, by how many of n votes fall on one side: each kind a beta-binomial distribution of the count.
///
/// Members are not independent, so counts scatter more than binomial ones; and questions that a team finds easy and such
/// that it finds hard make two humps.
public struct BetaBinomialMixture: Hashable, Sendable, Codable {
    /// One kind: the share of a vote is drawn from Beta(α, β) for each question.
    public struct Component: Hashable, Sendable, Codable {
        /// How frequent the kind is.
        public var weight: Double
        /// α: how strongly votes fall on the side that is counted.
        public var alpha: Double
        /// β: how strongly they fall on the other.
        public var beta: Double
    }

    /// How many votes there are.
    public let votes: Int
    /// The two kinds; the one of fewer counted votes first.
    public private(set) var components: [Component]

    /// Fits the mixture to counts by expectation and maximisation; the shapes by Minka's fixed point for the Pólya
    /// distribution, one step a round, which never lowers the likelihood.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` without counts, or if one is not between 0 and the number of votes.
    public init(fitting counts: [Int], of votes: Int, iterations: Int = 2000) throws(CollabError) {
        guard votes > 0, !counts.isEmpty, counts.allSatisfy({ (0...votes).contains($0) }) else {
            throw CollabError(
                .invalidRequest,
                "A distribution of votes is learned from one count or more, each between 0 and \(votes)."
            )
        }
        self.votes = votes
        components = [
            Component(weight: 0.5, alpha: 1, beta: 2), Component(weight: 0.5, alpha: 2, beta: 1),
        ]
        var histogram = [Double](repeating: 0, count: votes + 1)
        for count in counts { histogram[count] += 1 }
        var likelihood = -Double.infinity
        for _ in 0..<max(iterations, 1) {
            let next = improve(on: histogram)
            if next - likelihood < 1e-10 * abs(next) { break }
            likelihood = next
        }
        components.sort { $0.alpha * ($1.alpha + $1.beta) < $1.alpha * ($0.alpha + $0.beta) }
    }

    /// One round; returns the log-likelihood before it.
    private mutating func improve(on histogram: [Double]) -> Double {
        let joint = components.map { component in
            (0...votes).map { component.weight * Self.probability(of: $0, in: votes, component) }
        }
        let total = (0...votes).map { count in joint.reduce(0) { $0 + $1[count] } }
        let likelihood = zip(histogram, total).reduce(0) { $1.0 > 0 ? $0 + $1.0 * log($1.1) : $0 }
        let all = histogram.reduce(0, +)
        for index in components.indices {
            let shares = (0...votes).map { total[$0] > 0 ? histogram[$0] * joint[index][$0] / total[$0] : 0 }
            let weight = shares.reduce(0, +)
            var component = components[index]
            component.weight = weight / all
            if weight > 1e-9 {
                // ψ(k + α) − ψ(α) is a sum over whole steps.
                func steps(_ start: Double, _ count: Int) -> Double {
                    (0..<count).reduce(0) { $0 + 1 / (start + Double($1)) }
                }
                let (alpha, beta) = (component.alpha, component.beta)
                let whole = weight * steps(alpha + beta, votes)
                let (up, down) = (0...votes).reduce((0.0, 0.0)) { sum, count in
                    (
                        sum.0 + shares[count] * steps(alpha, count),
                        sum.1 + shares[count] * steps(beta, votes - count)
                    )
                }
                // Kept where sums of logarithms are exact enough.
                component.alpha = min(max(alpha * up / whole, 1e-4), 1e4)
                component.beta = min(max(beta * down / whole, 1e-4), 1e4)
            }
            components[index] = component
        }
        return likelihood
    }

    private static func probability(of count: Int, in votes: Int, _ component: Component) -> Double {
        let (k, n) = (Double(count), Double(votes))
        let (a, b) = (component.alpha, component.beta)
        let choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
        let top = lgamma(k + a) + lgamma(n - k + b) - lgamma(n + a + b)
        return exp(choose + top - (lgamma(a) + lgamma(b) - lgamma(a + b)))
    }

    /// How probable each count is, from 0 to all votes.
    public var probabilities: [Double] {
        (0...votes).map { count in
            components.reduce(0) { $0 + $1.weight * Self.probability(of: count, in: votes, $1) }
        }
    }

    /// The greatest difference of the cumulated probabilities of two mixtures (Kolmogorov–Smirnov); 1 if they are over
    /// different numbers of votes.
    public func distance(to other: BetaBinomialMixture) -> Double {
        guard votes == other.votes else { return 1 }
        var (greatest, difference) = (0.0, 0.0)
        for (own, theirs) in zip(probabilities, other.probabilities) {
            difference += own - theirs
            greatest = max(greatest, abs(difference))
        }
        return min(greatest, 1)
    }
}

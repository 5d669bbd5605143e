/// Who hears whom.
public struct Topology: Hashable, Sendable, Codable, CustomStringConvertible {
    private enum Shape: Hashable, Sendable, Codable {
        case complete
        case ring
        case chain
        case star(hub: Int)
        case tree(branching: Int)
        case random(density: Double, seed: UInt64)
        case custom([[Int]])
    }

    private var shape: Shape

    /// Everybody hears everybody else.
    public static let complete = Topology(shape: .complete)
    /// Each member hears the one before and the one after it; the last is next to the first.
    public static let ring = Topology(shape: .ring)
    /// Each member hears the one before it; the first hears nobody.
    public static let chain = Topology(shape: .chain)
    /// The hub hears everybody, everybody hears the hub.
    public static func star(hub: Int = 0) -> Topology { Topology(shape: .star(hub: hub)) }
    /// Each member hears the one above it and those below it; the first is the root, which has `branching` below it.
    public static func tree(branching: Int = 2) -> Topology { Topology(shape: .tree(branching: branching)) }
    /// A connected graph drawn from a seed, with a share `density` of all pairs talking to each other (Li et al. 2024).
    ///
    /// At least as many pairs talk as a connected graph needs; 1 is ``complete``.
    public static func random(density: Double, seed: UInt64 = 0) -> Topology {
        Topology(shape: .random(density: density, seed: seed))
    }
    /// For each member, in declaration order, the members that it hears.
    public static func custom(_ heard: [[Int]]) -> Topology { Topology(shape: .custom(heard)) }

    /// The members whom a member of a team of some size hears, in declaration order, itself excluded; whoever is not of
    /// the team hears nobody.
    public func heard(by member: Int, of count: Int) -> [Int] {
        guard (0..<max(count, 0)).contains(member) else { return [] }
        let all: [Int] =
            switch shape {
            case .complete: Array(0..<count)
            case .ring: [(member + count - 1) % max(count, 1), (member + 1) % max(count, 1)]
            case .chain: [member - 1]
            case .star(let hub): member == hub ? Array(0..<count) : [hub]
            case .tree(let branching): Self.neighbours(of: member, inTreeWith: max(branching, 1), count)
            case .random(let density, let seed): Self.randomGraph(density, seed, count)[member]
            case .custom(let heard): heard.indices.contains(member) ? heard[member] : []
            }
        return Set(all).filter { $0 != member && (0..<count).contains($0) }.sorted()
    }

    /// The share of all pairs of different members of which one hears the other: 1 for ``complete``.
    public func density(of count: Int) -> Double {
        guard count > 1 else { return 0 }
        let heard = (0..<count).reduce(0) { $0 + self.heard(by: $1, of: count).count }
        return Double(heard) / Double(count * (count - 1))
    }

    private static func neighbours(of member: Int, inTreeWith branching: Int, _ count: Int) -> [Int] {
        // What lies beyond the team is left out by the caller; a product that overflows lies beyond it, too.
        let (first, overflow) = member.multipliedReportingOverflow(by: branching)
        let below = overflow || first >= count ? [] : Array(first + 1...min(first + branching, count))
        return below + (member > 0 ? [(member - 1) / branching] : [])
    }

    /// For each member, its neighbours in a random spanning tree with random edges added.
    private static func randomGraph(_ density: Double, _ seed: UInt64, _ count: Int) -> [[Int]] {
        var generator = SeededGenerator(seed: seed)
        var neighbours = [Set<Int>](repeating: [], count: count)
        let order = Array(0..<count).shuffled(using: &generator)
        for (place, member) in order.enumerated().dropFirst() {
            let other = order[Int.random(in: 0..<place, using: &generator)]
            neighbours[member].insert(other)
            neighbours[other].insert(member)
        }
        let pairs = (0..<count).flatMap { left in (0..<left).map { (left, $0) } }
        let wanted = Int(((density > 0 ? min(density, 1) : 0) * Double(pairs.count)).rounded())
        var edges = max(count - 1, 0)
        for (left, right) in pairs.shuffled(using: &generator) {
            if edges >= wanted { break }
            guard neighbours[left].insert(right).inserted else { continue }
            neighbours[right].insert(left)
            edges += 1
        }
        return neighbours.map { $0.sorted() }
    }

    /// Throws ``CollabError/Code/invalidRequest`` if the topology does not fit a team of some size.
    func validate(for count: Int) throws(CollabError) {
        let named: [Int] =
            switch shape {
            case .star(let hub): [hub]
            case .custom(let heard): heard.flatMap { $0 }
            default: []
            }
        if let stranger = named.first(where: { !(0..<count).contains($0) }) {
            throw CollabError(
                .invalidRequest,
                "The topology names member \(stranger); the team has \(count), from 0."
            )
        }
        if case .random(let density, _) = shape, !(0...1).contains(density) {
            throw CollabError(.invalidRequest, "The density \(density) of a topology is not between 0 and 1.")
        }
        if case .tree(let branching) = shape, branching < 1 || branching > 1 << 20 {
            throw CollabError(.invalidRequest, "A tree cannot have \(branching) branches; give 1 or more.")
        }
        if case .custom(let heard) = shape, heard.count != count {
            throw CollabError(.invalidRequest, "The topology has \(heard.count) rows for a team of \(count).")
        }
    }

    /// The shape's name.
    public var description: String {
        switch shape {
        case .complete: "complete"
        case .ring: "ring"
        case .chain: "chain"
        case .star(let hub): "star around \(hub)"
        case .tree(let branching): "tree of \(branching) branches"
        case .random(let density, let seed): "random of density \(density) from seed \(seed)"
        case .custom: "custom"
        }
    }
}

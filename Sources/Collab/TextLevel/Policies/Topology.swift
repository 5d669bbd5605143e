/// Who hears whom.
public struct Topology: Hashable, Sendable, Codable, CustomStringConvertible {
    private enum Shape: Hashable, Sendable, Codable {
        case complete
        case ring
        case chain
        case star(hub: Int)
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
    /// For each member, in declaration order, the members that it hears.
    public static func custom(_ heard: [[Int]]) -> Topology { Topology(shape: .custom(heard)) }

    /// The members whom a member of a team of some size hears, in declaration order, itself excluded.
    public func heard(by member: Int, of count: Int) -> [Int] {
        let all: [Int] =
            switch shape {
            case .complete: Array(0..<count)
            case .ring: [(member + count - 1) % max(count, 1), (member + 1) % max(count, 1)]
            case .chain: [member - 1]
            case .star(let hub): member == hub ? Array(0..<count) : [hub]
            case .custom(let heard): heard.indices.contains(member) ? heard[member] : []
            }
        return Set(all).filter { $0 != member && (0..<count).contains($0) }.sorted()
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
        case .custom: "custom"
        }
    }
}

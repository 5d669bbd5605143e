/// Which of several replicas of a model a call goes to.
public struct ReplicaPolicy: Hashable, Sendable, CustomStringConvertible {
    enum Kind: Hashable, Sendable {
        case leastBusy
        case roundRobin
        case lowestLatency
        case weighted([Double])
        case cheapest([Price])
    }

    let kind: Kind

    /// The less busy of two that are drawn at random.
    ///
    /// It is nearly as good as the least busy of all and does not send everybody to the same one (the power of two
    /// choices, Mitzenmacher 2001).
    public static let leastBusy = ReplicaPolicy(kind: .leastBusy)

    /// One after the other.
    public static let roundRobin = ReplicaPolicy(kind: .roundRobin)

    /// The one with the lowest product of calls under way and of the time until its answers began of late (an
    /// exponentially weighted mean, which fades so that a slow one is tried again).
    public static let lowestLatency = ReplicaPolicy(kind: .lowestLatency)

    /// At random, in proportion to weights that stand in the order of the replicas.
    public static func weighted(_ weights: [Double]) -> ReplicaPolicy {
        ReplicaPolicy(kind: .weighted(weights))
    }

    /// The cheapest by the prices that stand in the order of the replicas, read and written tokens alike; among equals
    /// the least busy.
    public static func cheapest(_ prices: [Price]) -> ReplicaPolicy {
        ReplicaPolicy(kind: .cheapest(prices))
    }

    /// The policy in a few words.
    public var description: String {
        switch kind {
        case .leastBusy: "the less busy of two"
        case .roundRobin: "in turn"
        case .lowestLatency: "lowest latency"
        case .weighted: "by weight"
        case .cheapest: "cheapest"
        }
    }

    /// Why the policy does not fit so many replicas; `nil` if it does.
    func objection(count: Int) -> String? {
        switch kind {
        case .leastBusy, .roundRobin, .lowestLatency: return nil
        case .cheapest(let prices):
            return prices.count == count ? nil : "there are \(prices.count) prices for \(count) replicas"
        case .weighted(let weights):
            if weights.count != count { return "there are \(weights.count) weights for \(count) replicas" }
            let isFine = weights.allSatisfy { $0 >= 0 && $0.isFinite } && weights.contains { $0 > 0 }
            return isFine ? nil : "weights must be finite, not negative, and not all zero"
        }
    }
}

/// Which calls belong together, so that they go to the same replica and find their beginning in its cache.
///
/// Servers keep what they have computed of a prompt's beginning; a conversation that wanders between replicas is read
/// anew each time. A replica that has much more to do than the others is passed over.
public struct ReplicaAffinity: Sendable {
    let key: @Sendable (Request) -> String?

    /// Calls with the same key go together; those without one are spread by the policy.
    public init(_ key: @escaping @Sendable (Request) -> String?) {
        self.key = key
    }

    /// Calls that begin alike: with the same instructions and the same first question.
    public static let conversation = ReplicaAffinity { request in
        guard case .dialogue(let messages) = request.input else { return nil }
        let opening = messages.prefix { $0.role == .system } + messages.drop { $0.role == .system }.prefix(1)
        return opening.map(\.text).joined(separator: "\u{0}")
    }

    /// Calls with the same instructions, whatever the question.
    public static let instructions = ReplicaAffinity { request in
        let opening = request.messages.prefix { $0.role == .system }
        return opening.isEmpty ? nil : opening.map(\.text).joined(separator: "\u{0}")
    }
}

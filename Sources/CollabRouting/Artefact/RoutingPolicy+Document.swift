import Collab
import CollabBackends

extension RoutingPolicy {
    /// The policy as it stands in a router's description.
    ///
    /// Throws ``Collab/CollabError`` with `notFinite` for numbers that JSON has no words for.
    func described() throws(CollabError) -> JSONValue {
        switch self {
        case .best: return ["kind": "best"]
        case .costAware(let tradeoff):
            var costs = JSONObject()
            for (name, cost) in tradeoff.costs.sorted(by: { $0.key < $1.key }) { costs[name] = .init(cost) }
            let numbers = [tradeoff.weight, tradeoff.dearShare, tradeoff.tolerance] + tradeoff.costs.values
            try check(numbers)
            return [
                "kind": "cost-aware", "weight": .init(tradeoff.weight), "costs": .object(costs),
                "dear share": .init(tradeoff.dearShare), "tolerance": .init(tradeoff.tolerance),
            ]
        case .threshold(let weak, let strong, let gain):
            try check([gain])
            return ["kind": "threshold", "weak": .init(weak), "strong": .init(strong), "gain": .init(gain)]
        }
    }

    private func check(_ numbers: [Double]) throws(CollabError) {
        guard numbers.allSatisfy(\.isFinite) else {
            throw CollabError(
                .notFinite,
                "A routing policy with a number that is not finite cannot be saved."
            )
        }
    }

    /// Reads a described policy; `nil` if it cannot be.
    init?(described: JSONValue) {
        switch described["kind"]?.stringValue {
        case "best": self = .best
        case "cost-aware":
            guard let weight = described["weight"]?.doubleValue,
                let share = described["dear share"]?.doubleValue,
                let tolerance = described["tolerance"]?.doubleValue, 0...1 ~= share, tolerance >= 0
            else { return nil }
            var costs: [String: Double] = [:]
            for member in described["costs"]?.objectValue ?? [:] {
                guard let cost = member.value.doubleValue else { return nil }
                costs[member.key] = cost
            }
            self = .costAware(
                CostTradeoff(weight: weight, costs: costs, dearShare: share, tolerance: tolerance)
            )
        case "threshold":
            guard let weak = described["weak"]?.stringValue, let strong = described["strong"]?.stringValue,
                let gain = described["gain"]?.doubleValue
            else { return nil }
            self = .threshold(weak: weak, strong: strong, gain: gain)
        default: return nil
        }
    }
}

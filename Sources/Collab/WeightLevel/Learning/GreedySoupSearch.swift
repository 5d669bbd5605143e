/// A greedy soup: models are taken in the order of their own losses, and each one stays in the uniform average if that is
/// then at least as good as before.
///
/// M. Wortsman et al., *Model Soups: Averaging Weights of Multiple Fine-tuned Models Improves Accuracy without Increasing
/// Inference Time*, 2022.
public struct GreedySoupSearch: ParameterSearch {
    /// Greedy soup.
    public var name: String { "greedy soup" }
    /// How many models there are.
    public let dimension: Int
    /// The models in the soup, best first.
    public private(set) var members: [Int] = []
    private var order: [Int] = []
    private var tried = 0
    private var loss = Double.infinity

    /// Makes a search.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for no models.
    public init(memberCount: Int) throws(CollabError) {
        guard memberCount > 0 else { throw CollabError(.invalidRequest, "A soup needs models.") }
        dimension = memberCount
    }

    /// Every model alone; then the soup with one more.
    public mutating func nextPoints() -> [[Double]] {
        if order.isEmpty { return (0..<dimension).map { average([$0]) } }
        return tried < order.count ? [average(members + [order[tried]])] : []
    }

    /// Orders the models; then keeps the last one or leaves it out.
    public mutating func learn(_ losses: [Double]) {
        if order.isEmpty {
            order = losses.indices.sorted { (losses[$0], $0) < (losses[$1], $1) }
            (members, loss, tried) = ([order[0]], losses[order[0]], 1)
            return
        }
        if losses[0] <= loss {
            members.append(order[tried])
            loss = losses[0]
        }
        tried += 1
    }

    private func average(_ members: [Int]) -> [Double] {
        var weights = [Double](repeating: 0, count: dimension)
        for member in members { weights[member] = 1 / Double(members.count) }
        return weights
    }
}

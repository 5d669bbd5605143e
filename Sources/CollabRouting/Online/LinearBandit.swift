public import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Learns which model to ask from the answers of those that were asked, and goes on trying the others.
///
/// For each model the quality is estimated by ridge regression on the questions that it was tried on, θ̂ = A⁻¹ b with
/// A = λ I + Σ x xᵀ, b = Σ r x; a constant is added to each question. A decision takes the model with the highest value:
/// - `upperConfidence(α)`: θ̂·x + α √(xᵀ A⁻¹ x), LinUCB (L. Li et al., *A Contextual-Bandit Approach to Personalized News
///   Article Recommendation*, arXiv 1003.0146).
/// - `thompson(v)`: drawn from N(θ̂·x, v² xᵀ A⁻¹ x), which is how θ·x is distributed for θ from N(θ̂, v² A⁻¹) (S. Agrawal,
///   N. Goyal, *Thompson Sampling for Contextual Bandits with Linear Payoffs*, arXiv 1209.3352).
///
/// Both less μ times what an answer of the model costs. As an estimator it gives θ̂·x.
public struct LinearBandit: QualityEstimator, Hashable {
    /// How models are tried that may turn out better than they look.
    public enum Exploration: Hashable, Sendable, Codable, CustomStringConvertible {
        /// The estimate and α times its uncertainty.
        case upperConfidence(Double)
        /// A draw about the estimate, v times as wide as its uncertainty.
        case thompson(Double)

        /// The rule in a few words.
        public var description: String {
            switch self {
            case .upperConfidence(let alpha): "the estimate and \(alpha) times its uncertainty"
            case .thompson(let spread):
                "a draw about the estimate, \(spread) times as wide as its uncertainty"
            }
        }
    }

    /// What the method is called in artefacts.
    public static let method = "bandit"
    /// How many numbers a question must have.
    public let dimension: Int
    /// On which a question is projected; `nil`: its numbers are taken as they are.
    public let axes: PrincipalAxes?
    /// λ.
    public let penalty: Double
    /// How others are tried.
    public var exploration: Exploration
    /// μ: what a unit of cost is worth in quality.
    public var costWeight: Double
    /// What an answer of each model costs; `nil`: the mean of what it did cost.
    public var prices: [Double]?
    private var arms: [BanditArm]

    /// Makes a bandit that knows nothing.
    ///
    /// - Parameters:
    ///   - models: how many models there are.
    ///   - dimension: how many numbers a question has.
    ///   - axes: on which a question is projected, which makes learning faster.
    ///   - exploration: how others are tried; 0.1 is much for qualities from 0 to 1 already.
    ///   - costWeight: what a unit of cost is worth in quality.
    ///   - prices: what an answer of each model costs; `nil`: the mean of what it did cost.
    ///   - penalty: λ.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for numbers that cannot be.
    public init(
        models: Int,
        dimension: Int,
        axes: PrincipalAxes? = nil,
        exploration: Exploration = .thompson(0.1),
        costWeight: Double = 0,
        prices: [Double]? = nil,
        penalty: Double = 1
    ) throws(CollabError) {
        let width: Double
        switch exploration {
        case .upperConfidence(let alpha): width = alpha
        case .thompson(let spread): width = spread
        }
        guard models > 0, dimension > 0, axes.map({ $0.centre.count == dimension }) ?? true, penalty > 0,
            penalty.isFinite, width >= 0, width.isFinite, costWeight.isFinite,
            prices.map({ $0.count == models && $0.allSatisfy(\.isFinite) }) ?? true
        else {
            throw CollabError(
                .invalidRequest,
                "A bandit needs models, a price of each or none, axes of the questions' length, and a penalty above 0."
            )
        }
        self.dimension = dimension
        self.axes = axes
        self.exploration = exploration
        self.costWeight = costWeight
        self.prices = prices
        self.penalty = penalty
        let arm = BanditArm(order: (axes?.axes.rows ?? dimension) + 1, penalty: penalty)
        arms = [BanditArm](repeating: arm, count: models)
    }

    /// How many models are estimated.
    public var modelCount: Int { arms.count }
    /// How often each model was tried.
    public var counts: [Int] { arms.map(\.count) }
    /// How many tries there were.
    public var tries: Int { arms.reduce(0) { $0 + $1.count } }

    /// What the arms see of a question.
    private func context(_ question: [Float]) -> [Double] {
        (axes?.project(question) ?? question.map { Double($0) }) + [1]
    }

    /// What an answer of a model costs.
    public func cost(of model: Int) -> Double {
        prices?[model] ?? (arms[model].count > 0 ? arms[model].spent / Double(arms[model].count) : 0)
    }

    /// What is expected of a model on a question, and how uncertain that is (without α or v).
    public func estimate(of model: Int, on question: [Float]) -> (mean: Double, deviation: Double) {
        precondition(question.count == dimension)
        return arms[model].estimate(context(question))
    }

    /// What each model is worth on a question, trying included and cost taken off; the highest is to be asked.
    ///
    /// - Parameters:
    ///   - question: its numbers.
    ///   - seed: what a draw depends on; the same seed and the same state give the same values.
    public func values(for question: [Float], seed: UInt64) -> [Double] {
        precondition(question.count == dimension)
        let context = context(question)
        var generator = SeededGenerator(seed: seed)
        return arms.indices.map { model in
            let (mean, deviation) = arms[model].estimate(context)
            let bonus: Double
            switch exploration {
            case .upperConfidence(let alpha): bonus = alpha * deviation
            case .thompson(let spread): bonus = spread * deviation * generator.nextNormal()
            }
            return mean + bonus - costWeight * cost(of: model)
        }
    }

    /// Learns how good a model's answer was, and what it cost.
    public mutating func learn(model: Int, question: [Float], quality: Double, cost: Double = 0) {
        precondition(question.count == dimension)
        arms[model].learn(context(question), quality: quality, cost: cost)
    }

    /// One row a question, one column a model: what is expected, without trying and costs.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        let table = try questions.dense(for: "A bandit")
        var result = Table(rows: table.rows, columns: modelCount)
        for row in 0..<table.rows {
            let context = context(Array(table.row(row)))
            for model in arms.indices { result[row, model] = Float(arms[model].estimate(context).mean) }
        }
        return result
    }

    /// What has to be saved; numbers of double precision as the sum of two of single precision.
    public var parameters: EstimatorParameters {
        var all = EstimatorParameters(numbers: [
            "models": Double(arms.count), "dimension": Double(dimension), "penalty": penalty,
            "cost weight": costWeight,
        ])
        switch exploration {
        case .upperConfidence(let alpha): all.numbers["upper confidence"] = alpha
        case .thompson(let spread): all.numbers["thompson"] = spread
        }
        if let axes {
            all.tables["axes"] = axes.axes
            all.tables["centre"] = Table([axes.centre])
        }
        for (model, arm) in arms.enumerated() {
            all.numbers["tries \(model + 1)"] = Double(arm.count)
            all.numbers["spent \(model + 1)"] = arm.spent
            all.numbers["price \(model + 1)"] = prices?[model]
            all.add(arm.gram, columns: arm.moment.count, as: "gram \(model + 1)")
            all.add(arm.moment, columns: arm.moment.count, as: "moment \(model + 1)")
        }
        return all
    }

    /// Restores a bandit.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        let count = try parameters.whole("models", in: 1...1024)
        dimension = try parameters.whole("dimension", in: 1...65_536)
        penalty = try parameters.positive("penalty")
        costWeight = try parameters.number("cost weight")
        if parameters.numbers["thompson"] != nil {
            exploration = .thompson(try parameters.number("thompson"))
        } else {
            exploration = .upperConfidence(try parameters.number("upper confidence"))
        }
        var order = dimension + 1
        if parameters.tables["axes"] != nil {
            let axes = try parameters.table("axes", columns: dimension)
            let centre = try parameters.table("centre", rows: 1, columns: dimension).values
            self.axes = PrincipalAxes(centre: centre, axes: axes)
            order = axes.rows + 1
        } else {
            axes = nil
        }
        var prices: [Double] = []
        var arms: [BanditArm] = []
        for model in 1...count {
            if parameters.numbers["price \(model)"] != nil {
                prices.append(try parameters.number("price \(model)"))
            }
            arms.append(
                try BanditArm(
                    count: try parameters.whole("tries \(model)", in: 0...(1 << 52)),
                    spent: try parameters.number("spent \(model)"),
                    gram: try parameters.doubles("gram \(model)", rows: order, columns: order),
                    moment: try parameters.doubles("moment \(model)", rows: 1, columns: order)
                )
            )
        }
        self.prices = prices.count == count ? prices : nil
        self.arms = arms
    }
}

extension EstimatorParameters {
    /// Adds numbers of double precision as two tables, what single precision holds and the rest.
    fileprivate mutating func add(_ values: [Double], columns: Int, as name: String) {
        let high = values.map { Float($0) }
        tables[name] = Table(columns: columns, values: high)
        tables[name + ", rest"] = Table(
            columns: columns,
            values: zip(values, high).map { Float($0 - Double($1)) }
        )
    }

    fileprivate func doubles(_ name: String, rows: Int, columns: Int) throws(CollabError) -> [Double] {
        let high = try table(name, rows: rows, columns: columns)
        let rest = try table(name + ", rest", rows: rows, columns: columns)
        return zip(high.values, rest.values).map { Double($0) + Double($1) }
    }
}

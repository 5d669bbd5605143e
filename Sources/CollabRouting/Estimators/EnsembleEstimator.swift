public import Collab

/// The weighted mean of what several estimators say.
public struct EnsembleEstimator: QualityEstimator {
    /// An estimator and how much it counts.
    public struct Member: Sendable {
        /// What estimates.
        public let estimator: any QualityEstimator
        /// How much it counts; only the ratio to the others' matters.
        public let weight: Double

        /// Makes a member.
        public init(_ estimator: any QualityEstimator, weight: Double = 1) {
            self.estimator = estimator
            self.weight = weight
        }
    }

    /// What the method is called in artefacts.
    public static let method = "ensemble"
    /// Whose mean it is; at least one.
    public let members: [Member]

    /// Makes an ensemble.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if there are no members, if they are of different numbers of
    /// models or features, or if a weight is not above 0.
    public init(_ members: [Member]) throws(CollabError) {
        guard let first = members.first?.estimator,
            members.allSatisfy({
                $0.estimator.modelCount == first.modelCount && $0.estimator.dimension == first.dimension
                    && $0.weight > 0 && $0.weight.isFinite
            })
        else {
            throw CollabError(
                .invalidRequest,
                "An ensemble needs estimators of the same models and features, with weights above 0."
            )
        }
        self.members = members
    }

    /// How many models are estimated.
    public var modelCount: Int { members[0].estimator.modelCount }
    /// How many numbers a question must have.
    public var dimension: Int { members[0].estimator.dimension }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        let total = members.reduce(0) { $0 + $1.weight }
        var result = Table(rows: questions.count, columns: modelCount)
        for member in members {
            let share = Float(member.weight / total)
            let table = try member.estimator.qualities(of: questions)
            for place in table.values.indices { result.values[place] += share * table.values[place] }
        }
        return result
    }

    /// What has to be saved: the members' parameters, each under its place, its method and the parameter's name.
    public var parameters: EstimatorParameters {
        var all = EstimatorParameters(numbers: ["members": Double(members.count)])
        for (index, member) in members.enumerated() {
            let prefix = "\(index + 1):\(type(of: member.estimator).method):"
            let own = member.estimator.parameters
            all.numbers[prefix + "weight in the ensemble"] = member.weight
            for (name, value) in own.numbers { all.numbers[prefix + name] = value }
            for (name, table) in own.tables { all.tables[prefix + name] = table }
        }
        return all
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        var members: [Member] = []
        for index in 1...(try parameters.whole("members", in: 1...64)) {
            let start = "\(index):"
            guard let key = parameters.numbers.keys.first(where: { $0.hasPrefix(start) }),
                let method = key.dropFirst(start.count).split(separator: ":").first,
                let type = LearnedRouter.methods.first(where: { $0.method == method })
            else {
                throw CollabError(
                    .malformedFile,
                    "The ensemble's member \(index) is missing or of no known method."
                )
            }
            let prefix = "\(start)\(method):"
            var own = EstimatorParameters()
            for (name, value) in parameters.numbers where name.hasPrefix(prefix) {
                own.numbers[String(name.dropFirst(prefix.count))] = value
            }
            for (name, table) in parameters.tables where name.hasPrefix(prefix) {
                own.tables[String(name.dropFirst(prefix.count))] = table
            }
            let weight = try own.positive("weight in the ensemble")
            members.append(Member(try type.init(own), weight: weight))
        }
        do throws(CollabError) {
            try self.init(members)
        } catch {
            throw CollabError(.malformedFile, "The ensemble's members do not fit each other.", cause: error)
        }
    }
}

/// Learns several methods on the same questions; see ``EnsembleEstimator``.
public struct EnsembleTraining: RouterTraining {
    /// The methods.
    public var members: [any RouterTraining]
    /// How much each counts; `nil`: so much that all have a say. What one says of a question, less the mean of the
    /// models, spreads more or less widely over the training set; the weight is the inverse of that spread, so that the
    /// sum orders questions as the sum of z-scores would.
    public var weights: [Double]?

    /// Makes a training.
    public init(_ members: [any RouterTraining], weights: [Double]? = nil) {
        self.members = members
        self.weights = weights
    }

    /// What the method and its settings are.
    public var name: String { members.map(\.name).joined(separator: " and ") }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard weights.map({ $0.count == members.count }) ?? true else {
            throw CollabError(
                .invalidRequest,
                "An ensemble of \(members.count) methods needs as many weights."
            )
        }
        var learned: [EnsembleEstimator.Member] = []
        for (index, member) in members.enumerated() {
            let estimator = try member.train(on: set, seed: seed) {
                progress((Double(index) + $0) / Double(members.count))
            }
            let weight: Double
            if let weights {
                weight = weights[index]
            } else {
                weight = 1 / spread(of: try estimator.qualities(of: set.features))
            }
            learned.append(.init(estimator, weight: weight))
        }
        progress(1)
        return try EnsembleEstimator(learned)
    }

    /// The spread of estimates about their mean difference between models.
    private func spread(of table: Table) -> Double {
        let count = Double(table.columns)
        var rows: [[Double]] = []
        for row in 0..<table.rows {
            let values = table.row(row).map { Double($0) }
            let mean = values.reduce(0, +) / count
            rows.append(table.columns > 1 ? values.map { $0 - mean } : values)
        }
        var sum = 0.0
        for model in 0..<table.columns {
            let mean = rows.reduce(0) { $0 + $1[model] } / Double(max(rows.count, 1))
            sum += rows.reduce(0) { $0 + ($1[model] - mean) * ($1[model] - mean) }
        }
        return max((sum / Double(max(table.values.count, 1))).squareRoot(), 1e-6)
    }
}

extension RouterTraining where Self == EnsembleTraining {
    /// The weighted mean of what several methods say; see ``EnsembleEstimator``.
    public static func ensemble(_ members: any RouterTraining...) -> EnsembleTraining {
        EnsembleTraining(members)
    }
}

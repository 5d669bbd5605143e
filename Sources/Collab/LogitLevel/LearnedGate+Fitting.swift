#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension LearnedGate {
    /// A request and the answer that should be written.
    public struct Example: Hashable, Sendable {
        /// What is asked.
        public var request: Request
        /// What should be answered.
        public var answer: String

        /// Makes an example.
        public init(_ request: Request, answer: String) {
            self.request = request
            self.answer = answer
        }
    }

    /// What is seen at one token of an example.
    struct Observation {
        var features: [Double]
        /// How probable the token is for the base and for the expert.
        var base: Double
        var expert: Double
    }

    /// Learns from examples at which tokens the base should defer to the expert.
    ///
    /// With the deferral probability d = σ(b + a·f), the likelihood Σ log((1 − d) p_base + d p_expert) of the examples'
    /// tokens is maximised by expectation and maximisation: the probability that the expert wrote a token is the target
    /// of a logistic regression, whose d gives new probabilities. It begins with the tokens that the expert finds more
    /// probable. A small ridge (10⁻³ on standardised features) keeps separable examples finite.
    ///
    /// Throws ``CollabError/Code/vocabularyMismatch`` for models of different vocabularies,
    /// ``CollabError/Code/invalidRequest`` for no tokens to learn from, and what the models throw.
    public static func fitted(
        base: any LogitModel,
        expert: any LogitModel,
        examples: [Example],
        features: [Feature] = Feature.allCases
    ) async throws(CollabError) -> LearnedGate {
        try checkVocabularies(base, expert)
        var observations: [Observation] = []
        for example in examples {
            observations += try await observe(example, base: base, expert: expert, features)
        }
        guard !observations.isEmpty else {
            throw CollabError(.invalidRequest, "A gate cannot be learned from examples without tokens.")
        }
        return fitted(to: observations, features)
    }

    private static func observe(
        _ example: Example,
        base: any LogitModel,
        expert: any LogitModel,
        _ features: [Feature]
    ) async throws(CollabError) -> [Observation] {
        let tokens = try base.tokenizer.encode(continuing: example.answer)
        guard !tokens.isEmpty else { return [] }
        let rows = try await concurrently([base, expert]) { (model) async throws(CollabError) -> [Logits] in
            let start = try await model.startDecoding(example.request)
            guard tokens.count > 1 else { return [start.logits] }
            return [start.logits] + (try await start.decoder.append(Array(tokens.dropLast()), logits: .all))
        }
        return try tokens.indices.map { (index) throws(CollabError) in
            guard let outlook = Outlook(rows[0][index], written: index) else {
                throw CollabError(.notFinite, "A logit of “\(base.name)” is NaN or +∞.")
            }
            let token = tokens[index]
            return Observation(
                features: features.map { $0.value(of: outlook) },
                base: exp(rows[0][index].logprob(of: token)),
                expert: exp(rows[1][index].logprob(of: token))
            )
        }
    }

    /// Maximises the likelihood of observations.
    static func fitted(to observations: [Observation], _ features: [Feature]) -> LearnedGate {
        let scale = Standardisation(observations.map(\.features))
        let rows = observations.map { scale.apply($0.features) + [1] }
        var theta = [Double](repeating: 0, count: features.count + 1)
        var targets = observations.map { $0.expert > $0.base ? 0.9 : 0.1 }
        for _ in 0..<100 {
            let before = theta
            theta = logisticFit(rows, targets, from: theta)
            for (index, seen) in observations.enumerated() {
                let deferral = sigmoid(dot(theta, rows[index]))
                let (own, other) = ((1 - deferral) * seen.base, deferral * seen.expert)
                targets[index] = own + other > 0 ? other / (own + other) : deferral
            }
            if zip(theta, before).allSatisfy({ abs($0 - $1) < 1e-6 }) { break }
        }
        let coefficients = zip(theta, scale.deviations).map { $0 / $1 }
        let shift = zip(coefficients, scale.means).reduce(0) { $0 + $1.0 * $1.1 }
        return LearnedGate(
            features: features,
            coefficients: Array(coefficients),
            intercept: theta[features.count] - shift
        )
    }

    private static let ridge = 1e-3

    /// Newton's method for logistic regression on targets between 0 and 1; the last column is the intercept's.
    private static func logisticFit(_ rows: [[Double]], _ targets: [Double], from start: [Double]) -> [Double]
    {
        var theta = start
        let count = theta.count
        for _ in 0..<25 {
            var gradient = theta.map { -ridge * $0 }
            var curvature = (0..<count).map { index in
                (0..<count).map { $0 == index ? ridge : 0 }
            }
            for (row, target) in zip(rows, targets) {
                let probability = sigmoid(dot(theta, row))
                // Far out the curvature vanishes, and steps would grow without bound.
                let weight = max(probability * (1 - probability), 1e-3)
                for i in 0..<count {
                    gradient[i] += (target - probability) * row[i]
                    for j in 0..<count { curvature[i][j] += weight * row[i] * row[j] }
                }
            }
            let step = solve(curvature, gradient)
            for index in 0..<count { theta[index] += min(max(step[index], -5), 5) }
            if step.allSatisfy({ abs($0) < 1e-9 }) { break }
        }
        return theta
    }

    /// Gauss's elimination with pivots; the matrix is positive definite.
    private static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
        var (matrix, right) = (matrix, right)
        let count = right.count
        for column in 0..<count {
            let pivot = (column..<count).max { abs(matrix[$0][column]) < abs(matrix[$1][column]) } ?? column
            matrix.swapAt(column, pivot)
            right.swapAt(column, pivot)
            for row in column + 1..<max(count, column + 1) {
                let factor = matrix[row][column] / matrix[column][column]
                for place in column..<count { matrix[row][place] -= factor * matrix[column][place] }
                right[row] -= factor * right[column]
            }
        }
        for row in stride(from: count - 1, through: 0, by: -1) {
            for place in row + 1..<max(count, row + 1) { right[row] -= matrix[row][place] * right[place] }
            right[row] /= matrix[row][row]
        }
        return right
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
}

/// Means and deviations of columns, so that no feature's scale matters.
private struct Standardisation {
    var means: [Double] = []
    var deviations: [Double] = []

    init(_ rows: [[Double]]) {
        let count = Double(rows.count)
        for column in (rows.first ?? []).indices {
            let mean = rows.reduce(0) { $0 + $1[column] } / count
            let variance = rows.reduce(0) { $0 + ($1[column] - mean) * ($1[column] - mean) } / count
            means.append(mean)
            deviations.append(variance > 1e-18 ? variance.squareRoot() : 1)
        }
    }

    func apply(_ row: [Double]) -> [Double] {
        row.indices.map { (row[$0] - means[$0]) / deviations[$0] }
    }
}

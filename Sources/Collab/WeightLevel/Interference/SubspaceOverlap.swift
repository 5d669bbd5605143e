/// How much the leading directions of several task vectors of a matrix lie in one another's subspaces.
///
/// Of each task vector the first singular directions are taken, and of two members' directions U₁, U₂ the mean squared
/// cosine of their principal angles, ‖U₁ᵀU₂‖² ∕ k: 1 where they span the same space, 0 where they stand at right angles. Two
/// spaces of k out of n dimensions drawn at random have k ∕ n. Members that write into the same outputs, or read from the
/// same inputs, interfere even where no element has opposite signs (A. Gargiulo et al., *Task Singular Vectors*, 2025).
public struct SubspaceOverlap: Hashable, Sendable, Codable {
    /// How many task vectors there are.
    public let memberCount: Int
    /// How many matrices the figures are the mean of.
    public private(set) var matrixCount: Int
    /// The overlap of what the task vectors write into (left singular directions), pair by pair, row by row.
    private var outputSums: [Double]
    /// The overlap of what they read (right singular directions).
    private var inputSums: [Double]
    /// What the overlaps of random spaces would be.
    private var outputChance: Double
    private var inputChance: Double

    /// The figures of no matrix.
    public init(memberCount: Int) {
        self.memberCount = memberCount
        matrixCount = 0
        outputSums = [Double](repeating: 0, count: memberCount * memberCount)
        inputSums = outputSums
        (outputChance, inputChance) = (0, 0)
    }

    /// Measures one matrix.
    init(of tasks: [DoubleMatrix], rank: Int) throws(CollabError) {
        self.init(memberCount: tasks.count)
        var directions: [SingularDirections] = []
        for task in tasks { directions.append(try SingularDirections(of: task).prefix(rank)) }
        matrixCount = 1
        var (outputs, inputs, pairs) = (0.0, 0.0, 0)
        for first in tasks.indices {
            for second in tasks.indices {
                let (one, other) = (directions[first], directions[second])
                let count = min(one.values.count, other.values.count)
                if count == 0 { continue }
                let place = first * memberCount + second
                outputSums[place] = try Self.overlap(one.left, other.left) / Double(count)
                inputSums[place] = try Self.overlap(one.right, other.right) / Double(count)
                if first == second { continue }
                let larger = Double(max(one.values.count, other.values.count))
                outputs += larger / Double(one.left.columns)
                inputs += larger / Double(one.right.columns)
                pairs += 1
            }
        }
        (outputChance, inputChance) = pairs == 0 ? (0, 0) : (outputs / Double(pairs), inputs / Double(pairs))
    }

    /// ‖A Bᵀ‖² of matrices with orthonormal rows.
    private static func overlap(_ a: DoubleMatrix, _ b: DoubleMatrix) throws(CollabError) -> Double {
        let product = try a.transposed.transposed(times: b.transposed)
        return product.values.reduce(0) { $0 + $1 * $1 }
    }

    /// The overlap of what two members write into, 0…1; the mean over the matrices.
    public func outputs(_ first: Int, _ second: Int) -> Double {
        mean(outputSums[first * memberCount + second])
    }

    /// The overlap of what two members read, 0…1; the mean over the matrices.
    public func inputs(_ first: Int, _ second: Int) -> Double {
        mean(inputSums[first * memberCount + second])
    }

    /// What ``outputs(_:_:)`` and ``inputs(_:_:)`` would be for spaces drawn at random.
    public var chance: (outputs: Double, inputs: Double) { (mean(outputChance), mean(inputChance)) }

    /// The mean of both overlaps over all pairs, 0 for fewer than two members.
    public var meanOverlap: Double {
        var (sum, count) = (0.0, 0)
        for first in 0..<memberCount {
            for second in (first + 1)..<max(memberCount, first + 1) {
                sum += (outputs(first, second) + inputs(first, second)) / 2
                count += 1
            }
        }
        return count == 0 ? 0 : sum / Double(count)
    }

    /// Adds the figures of other matrices.
    public mutating func add(_ other: SubspaceOverlap) {
        precondition(memberCount == other.memberCount, "figures of other members cannot be added")
        matrixCount += other.matrixCount
        for place in outputSums.indices {
            outputSums[place] += other.outputSums[place]
            inputSums[place] += other.inputSums[place]
        }
        outputChance += other.outputChance
        inputChance += other.inputChance
    }

    private func mean(_ sum: Double) -> Double { matrixCount == 0 ? 0 : sum / Double(matrixCount) }
}

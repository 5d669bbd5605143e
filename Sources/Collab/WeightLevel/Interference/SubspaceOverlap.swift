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
    init(of tasks: TaskMatrices, rank: Int) throws(CollabError) {
        self.init(memberCount: tasks.count)
        var directions = TaskDirections(tasks, capacity: rank * tasks.count)
        for member in tasks.everyone { try directions.add(of: [member], count: rank) }
        let (short, long) = (try directions.shortProducts(), try directions.longProducts())
        let (left, right) = tasks.isWide ? (short, long) : (long, short)
        matrixCount = 1
        var (outputs, inputs, pairs) = (0.0, 0.0, 0)
        let places = directions.places
        for first in places.indices {
            for second in places.indices {
                let (one, other) = (places[min(first, second)], places[max(first, second)])
                let count = min(one.count, other.count)
                if count == 0 { continue }
                let place = first * memberCount + second
                outputSums[place] = left.sumOfSquares(one, other) / Double(count)
                inputSums[place] = right.sumOfSquares(one, other) / Double(count)
                if first == second { continue }
                let larger = Double(max(one.count, other.count))
                outputs += larger / Double(tasks.rows)
                inputs += larger / Double(tasks.columns)
                pairs += 1
            }
        }
        (outputChance, inputChance) = pairs == 0 ? (0, 0) : (outputs / Double(pairs), inputs / Double(pairs))
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

extension DoubleMatrix {
    /// The sum of the squares of a block of a symmetric matrix that is known by its upper triangle.
    fileprivate func sumOfSquares(_ rows: Range<Int>, _ columns: Range<Int>) -> Double {
        var sum = 0.0
        for row in rows {
            for column in columns {
                let value = values[min(row, column) * self.columns + max(row, column)]
                sum += value * value
            }
        }
        return sum
    }
}

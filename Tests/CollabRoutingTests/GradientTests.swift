import Collab
import CollabKernels
import Testing

@testable import CollabRouting

/// The slopes of losses that were derived by hand, against differences of the losses.
@Suite("The slope of the loss", .enabled(if: LinearAlgebra.isAvailable, "install OpenBLAS"))
struct GradientTests {
    static let vectors: Table = {
        var generator = SeededGenerator(seed: 3)
        return unitRows(Table((0..<12).map { _ in (0..<5).map { _ in Float(generator.nextNormal()) } }))
    }()
    static let scores: Table = {
        var generator = SeededGenerator(seed: 4)
        var table = Table((0..<12).map { _ in (0..<3).map { _ in Float(generator.nextUnit()) } })
        table[2, 1] = .nan
        table[5, 0] = .nan
        return table
    }()
    static let battles = (0..<12).map { place in
        Battle(question: place, first: place % 3, second: (place + 1) % 3, outcome: [1, 0, 0.5][place % 3])
    }

    @Test("of battles is that of their differences", arguments: [false, true])
    func factorization(hasUnitModels: Bool) {
        let objective = FactorizationObjective(
            vectors: Self.vectors,
            battles: Self.battles,
            models: 3,
            rank: 4,
            hasUnitModels: hasUnitModels,
            noise: 0.1
        )
        expectSlope(of: objective, at: objective.start(seed: 1))
    }

    @Test("of a network is that of its differences", arguments: [[], [4], [4, 3]], [false, true])
    func perceptron(hidden: [Int], isLogistic: Bool) {
        let objective = PerceptronObjective(
            vectors: Self.vectors,
            scores: Self.scores,
            hidden: hidden,
            isLogistic: isLogistic
        )
        // Away from zero biases, where a unit whose inputs are all zero has a corner.
        expectSlope(of: objective, at: objective.start(seed: 2).map { $0 + 0.05 })
    }

    @Test("of two contrasts is that of their differences")
    func contrastive() {
        let objective = ContrastiveObjective(
            vectors: Self.vectors,
            scores: Self.scores,
            clusters: (0..<12).map { $0 % 2 },
            settings: ContrastiveTraining(rank: 4, others: 2, temperature: 0.5)
        )
        expectSlope(of: objective, at: objective.start(seed: 3))
    }

    @Test("of a graph is that of its differences")
    func graph() throws {
        let objective = GraphObjective(
            vectors: Self.vectors,
            scores: Self.scores,
            clusters: try QuestionClusters(of: Self.vectors, count: 2, seed: 1),
            hidden: 4
        )
        expectSlope(of: objective, at: objective.start(seed: 5))
    }

    /// Central differences, in single precision: to a hundredth of the longest part.
    private func expectSlope(of objective: some BatchObjective, at point: [Float]) {
        let batch = [0, 1, 2, 3, 4, 5, 7][...]
        func loss(_ point: [Float]) -> (value: Double, slope: [Float]) {
            var slope = [Float](repeating: 0, count: point.count)
            var generator: SeededGenerator? = SeededGenerator(seed: 7)
            let value = objective.loss(point, on: batch, slope: &slope, &generator)
            return (value, slope)
        }
        let slope = loss(point).slope
        let longest = slope.map(abs).max() ?? 0
        #expect(longest > 1e-3)
        for place in point.indices {
            var (above, below) = (point, point)
            above[place] += 0.01
            below[place] -= 0.01
            let difference = Float((loss(above).value - loss(below).value) / 0.02)
            #expect(abs(difference - slope[place]) < 0.01 * longest + 2e-4, "parameter \(place)")
        }
    }
}

@Suite("The search for a minimum")
struct MinimizerTests {
    @Test("ends where a value's rounding hides what is to be gained, instead of trying ever shorter steps")
    func noise() throws {
        var evaluations = 0
        let curvatures = (0..<40).map { Float(1 + $0 * 5) }
        let found = try LimitedMemoryMinimizer().minimize(from: [Float](repeating: 0, count: 40)) { point in
            evaluations += 1
            var (value, slope) = (10_000.0, [Float]())
            for (place, curvature) in curvatures.enumerated() {
                let off = point[place] - 1
                value += Double(curvature * off * off) / 2
                slope.append(curvature * off)
            }
            // What sums of thousands of terms in single precision are off by, the same for the same point.
            let bits = point.reduce(UInt64(0)) { ($0 &* 31) ^ UInt64($1.bitPattern) }
            var generator = SeededGenerator(seed: bits)
            return (value + 4e-5 * (generator.nextUnit() - 0.5), slope)
        }
        // Without heed to rounding there were a thousand.
        #expect(evaluations < 60)
        #expect(found.allSatisfy { abs($0 - 1) < 2e-3 })
    }
}

import Collab
import CollabKernels
import Foundation
import Testing

@testable import CollabRouting

/// Small estimators whose estimates a hand computes.
@Suite("An estimator", .enabled(if: LinearAlgebra.isAvailable, "install OpenBLAS"))
struct EstimatorTests {
    private func estimates(_ estimator: some QualityEstimator, _ question: [Float]) throws -> [Double] {
        try estimator.qualities(of: .dense(Table([question]))).values.map { Double($0) }
    }

    private func sigma(_ value: Double) -> Double { 1 / (1 + exp(-value)) }

    @Test("of a bilinear form gives the probability of beating one of the others")
    func factorization() throws {
        let estimator = FactorizationEstimator(
            projection: Table([[1, 0], [0, 2]]),
            models: Table([[1, 1], [0, 1], [-1, 0]]),
            biases: [0, 0.5, 0]
        )
        // W x = (0.6, 1.6); δ = 2.2, 1.6 + 0.5 = 2.1, −0.6.
        #expect(try estimator.strengths(of: .dense(Table([[0.6, 0.8]]))).values == [2.2, 2.1, -0.6])
        let found = try estimates(estimator, [0.6, 0.8])
        #expect(abs(found[0] - (sigma(0.1) + sigma(2.8)) / 2) < 1e-6)
        #expect(abs(found[2] - (sigma(-2.8) + sigma(-2.7)) / 2) < 1e-6)
    }

    @Test("of contrasts gives the softmax of cosines")
    func contrastive() throws {
        let estimator = ContrastiveEstimator(
            projection: Table([[2, 0], [0, 2]]),
            models: Table([[3, 0], [0, 0.1]]),
            temperature: 0.5
        )
        // Cosines 0.6 and 0.8, whatever the lengths.
        let found = try estimates(estimator, [0.6, 0.8])
        #expect(abs(found[0] - sigma((0.6 - 0.8) / 0.5)) < 1e-6)
        #expect(abs(found[0] + found[1] - 1) < 1e-6)
        #expect(try estimates(estimator, [0, 0]) == [0.5, 0.5])
    }

    @Test("of a graph adds what the nearest task says")
    func graph() throws {
        let estimator = GraphEstimator(
            tasks: Table([[1, 0], [0, 1]]),
            taskMessages: Table([[5, 5], [-0.5, 0.25]]),
            questionWeights: Table([[1, 0], [0, 1]]),
            models: Table([[1, 0], [0, 1]]),
            biases: [0.1, -1]
        )
        // Nearest is the second task: h = max(0, (0.6 − 0.5, 0.8 + 0.25)).
        let found = try estimates(estimator, [0.6, 0.8])
        #expect(abs(found[0] - sigma(0.1 + 0.1)) < 1e-6)
        #expect(abs(found[1] - sigma(1.05 - 1)) < 1e-6)
    }

    @Test("of several gives their weighted mean, and refuses what does not fit together")
    func ensemble() throws {
        func line(_ weights: [[Float]]) -> LinearEstimator {
            LinearEstimator(weights: Table(weights), intercepts: weights.map { _ in 0 })
        }
        let ensemble = try EnsembleEstimator([
            .init(line([[1, 0], [0, 0]]), weight: 1), .init(line([[0, 1], [0.5, 0]]), weight: 3),
        ])
        // (0.6 + 3 · 0.8) ∕ 4 and 3 · 0.3 ∕ 4.
        let found = try estimates(ensemble, [0.6, 0.8])
        #expect(abs(found[0] - 0.75) < 1e-6 && abs(found[1] - 0.225) < 1e-6)
        #expect(throws: CollabError.self) { try EnsembleEstimator([]) }
        #expect(throws: CollabError.self) {
            try EnsembleEstimator([.init(line([[1, 0], [0, 0]])), .init(line([[1, 0]]))])
        }
        #expect(throws: CollabError.self) { try EnsembleEstimator([.init(line([[1]]), weight: 0)]) }
        // A member that is missing or of no known method is refused when it is read.
        var parameters = ensemble.parameters
        #expect(try EnsembleEstimator(parameters).members.map(\.weight) == [1, 3])
        parameters.numbers["members"] = 3
        #expect(throws: CollabError.self) { try EnsembleEstimator(parameters) }
    }

    @Test("of several, trained, counts by the inverse of its spread")
    func balance() throws {
        /// Learns nothing: gives what it was made of.
        struct Fixed: RouterTraining {
            let slope: Float
            var name: String { "fixed" }
            func train(
                on set: TrainingSet,
                seed: UInt64,
                progress: (Double) -> Void
            ) throws(CollabError) -> any QualityEstimator {
                LinearEstimator(weights: Table([[slope], [0]]), intercepts: [0, 0])
            }
        }
        let set = try TrainingSet(
            features: .dense(Table([[1], [2], [3]])),
            models: ["a", "b"],
            scores: Table([[1, 0], [0, 1], [1, 1]])
        )
        let trained = try EnsembleTraining([Fixed(slope: 1), Fixed(slope: 4)]).train(on: set)
        let ensemble = try #require(trained as? EnsembleEstimator)
        // Half the difference of the two models is x ∕ 2 and 2 x: four times as wide, a fourth of the weight.
        #expect(abs(ensemble.members[0].weight / ensemble.members[1].weight - 4) < 1e-6)
        #expect(throws: CollabError.self) {
            try EnsembleTraining([Fixed(slope: 1)], weights: [1, 2]).train(on: set)
        }
    }

    @Test("is refused settings that cannot be", arguments: [0, 1, 2, 3, 4])
    func settings(_ index: Int) throws {
        let set = try TrainingSet(
            features: .dense(Table([[1], [2]])),
            models: ["a"],
            scores: Table([[1], [0]])
        )
        let impossible: [any RouterTraining] = [
            PerceptronTraining(hidden: [0]), PerceptronTraining(steps: AdamSettings(rate: -1)),
            ContrastiveTraining(temperature: 0), GraphTraining(tasks: 0), FactorizationTraining(rank: 0),
        ]
        let error = #expect(throws: CollabError.self) { try impossible[index].train(on: set) }
        #expect(error?.code == .invalidRequest)
    }
}

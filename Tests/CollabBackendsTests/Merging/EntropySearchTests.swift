import Collab
import CollabBackends
import Foundation
import Testing

@Suite("A merge is learned from text that nobody has labelled")
struct EntropySearchTests {
    private static let texts = ["abacab", "cabbage", "a bad cab", "decade"]

    /// A model of random weights, and two others around it.
    private struct Team {
        var model: NativeModel
        var members: [MemoryCheckpoint]

        init() async throws {
            let options = NativeOptions(threads: 1, precision: .float, weightFormat: .float)
            let model = try await NativeModel(contentsOf: TinyModels.path("llama"), options: options)
            self.model = model
            members = try [UInt64(1), 2].map { seed in
                var generator = SeededGenerator(seed: seed)
                let tensors = try model.checkpoint.tensors.map { tensor in
                    let values = try model.checkpoint.values(of: tensor.name)
                    let size = 0.7 * (values.map(abs).max() ?? 0)
                    return MemoryCheckpoint.Tensor(
                        tensor.name,
                        shape: tensor.shape,
                        values: values.map { $0 + size * Float(generator.nextUnit() - 0.5) }
                    )
                }
                return try MemoryCheckpoint(
                    "member \(seed)",
                    specification: model.checkpoint.specification,
                    tensors: tensors
                )
            }
        }

        func merged(_ weights: [Double]) async throws(CollabError) -> any LogitModel {
            let merged = Merge(
                .taskArithmetic(base: model.checkpoint, weights: .members(weights.map { .constant($0) }))
            ) { members }
            return try await model.replacingWeights(with: merged)
        }
    }

    /// How unsure the merge of some weights is: −Σ p ln p, averaged over all places of all texts.
    private func entropy(_ team: Team, _ weights: [Double]) async throws -> Double {
        let model = try await team.merged(weights)
        var entropies: [Double] = []
        for text in Self.texts {
            let tokens = try model.promptTokens(for: .completion(text))
            for row in try await model.makeDecoder().append(tokens, logits: .all) {
                let powers = row.values.map { exp(Double($0)) }
                let sum = powers.reduce(0, +)
                entropies.append(powers.reduce(0) { $0 - $1 / sum * log($1 / sum) })
            }
        }
        return entropies.reduce(0, +) / Double(entropies.count)
    }

    private func outcome(_ team: Team, seed: UInt64) async throws -> MergeSearch.Outcome {
        let search = try CovarianceSearch(
            from: [0.5, 0.5],
            step: 0.3,
            bounds: SearchBounds(-1, 2),
            seed: seed
        )
        return try await MergeSearch(search, limit: 30).run { (weights) async throws(CollabError) in
            try await team.merged(weights).meanEntropy(over: Self.texts)
        }
    }

    @Test(
        "the weights that are found make it surer than those that the search began with, and than every member"
    )
    func learned() async throws {
        let team = try await Team()
        let outcome = try await outcome(team, seed: 4)
        #expect(outcome.trials.count == 30 && outcome.end == .limit)
        #expect(outcome.best.loss == outcome.trials.map(\.loss).min())
        let (begun, found) = (
            try await entropy(team, [0.5, 0.5]), try await entropy(team, outcome.best.point)
        )
        #expect(abs(outcome.best.loss - found) < 1e-6, "what is minimised is the entropy")
        #expect(found < 0.9 * begun, "\(found) after \(begun)")
        for member in [[1.0, 0], [0, 1]] { #expect(try await found < entropy(team, member)) }
        // The later half of the trials is surer on average than the earlier one.
        let losses = outcome.trials.map(\.loss)
        #expect(losses[15...].reduce(0, +) < losses[..<15].reduce(0, +))
    }

    @Test("the same seed tries the same weights with the same result, another seed others")
    func reproducible() async throws {
        let first = try await outcome(Team(), seed: 4)
        #expect(try await outcome(Team(), seed: 4) == first)
        #expect(try await outcome(Team(), seed: 5).trials.map(\.point) != first.trials.map(\.point))
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Merging variants of a real model")
struct RealMergeTests {
    static let tensor = "blk.15.ffn_down.weight"

    /// A change of rank 1 along fixed random directions, as large as a tenth of the matrix.
    func update(_ base: any Checkpoint, seed: UInt64, tensor: String = tensor) throws -> LowRankUpdate {
        let shape = try #require(base.description(of: tensor)?.shape)
        var generator = SeededGenerator(seed: seed)
        func direction(_ count: Int) -> [Float] {
            let values = (0..<count).map { _ in Float(generator.nextUnit() * 2 - 1) }
            let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return values.map { $0 / norm }
        }
        return try LowRankUpdate(tensor: tensor, scale: 3, a: direction(shape[1]), b: direction(shape[0]))
    }

    @Test("two edited variants merge by task arithmetic, and only what they edit is computed")
    func variants() async throws {
        let base = try GGUFCheckpoint(path: RealModel.smolLM2.path)
        let other = "blk.16.ffn_down.weight"
        let left = try base.adding(update(base, seed: 1), name: "left")
        let right = try base.adding(
            update(base, seed: 2),
            update(base, seed: 3, tensor: other),
            name: "right"
        )
        let merged = base + 0.5 * (left - base) + 0.5 * (right - base)
        try merged.validate()
        let computed = merged.tensors.map(\.name).filter { merged.storage(of: $0) == nil }
        #expect(computed == [Self.tensor, other])
        // The mean of the two changes, element by element.
        let (start, a, b) = (
            try base.values(of: Self.tensor), try left.values(of: Self.tensor),
            try right.values(of: Self.tensor)
        )
        let values = try merged.values(of: Self.tensor)
        let worst = start.indices.map { abs(values[$0] - (a[$0] + b[$0]) / 2) }.max() ?? 1
        #expect(worst < 1e-6)
        #expect(values != start)
    }

    @Test("the merge runs as a model, without touching the disk")
    func runs() async throws {
        let model = try await NativeFixtures.model(.smolLM2)
        let base = model.checkpoint
        let left = try base.adding(update(base, seed: 1), name: "left")
        let right = try base.adding(update(base, seed: 2), name: "right")
        let nothing = base + 0.5 * (left - base) - 0.5 * (left - base)
        let some = Merge(.taskArithmetic(base: base, weights: 0.5)) {
            left
            right
        }
        var request: Request = "What is the capital of France?"
        request.options.maximumTokens = 12
        let expected = try await model.respond(to: request).text
        // Nothing is left of a change that is taken back.
        #expect(nothing.storage(of: Self.tensor) != nil)
        let unchanged = try await model.replacingWeights(with: nothing)
        #expect(try await unchanged.respond(to: request).text == expected)
        let changed = try await model.replacingWeights(with: some)
        #expect(!(try await changed.respond(to: request).text).isEmpty)
    }
}

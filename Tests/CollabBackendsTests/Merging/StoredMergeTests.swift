import CollabBackends
import Foundation
import Testing

@testable import Collab

/// Weights in bfloat16 are merged where they lie in the file; the same numbers in float32 go the general way.
@Suite("Weights in bfloat16 merge as the same numbers in float32 do")
struct StoredMergeTests {
    /// Models of 150,000 elements: more than several blocks, and no multiple of anything.
    private final class Models: Sendable {
        let scratch: TemporaryFolder
        let stored: [SafetensorsCheckpoint]
        let floats: [MemoryCheckpoint]

        /// - Parameter unchanged: the share of the elements that the members leave as they are.
        init(unchanged: Double) throws {
            scratch = try TemporaryFolder()
            var generator = SeededGenerator(seed: 11)
            func noise() -> Float {
                Float(generator.nextUnit() + generator.nextUnit() + generator.nextUnit() - 1.5)
            }
            let count = 150_001
            let base = (0..<count).map { _ in 0.04 * noise() }
            var models = [base]
            for _ in 0..<3 {
                models.append(base.map { $0 + (generator.nextUnit() < unchanged ? 0 : 0.004 * noise()) })
            }
            var (stored, floats): ([SafetensorsCheckpoint], [MemoryCheckpoint]) = ([], [])
            for (index, values) in models.enumerated() {
                let path = scratch.path("\(index).safetensors")
                let tensor = TensorDescription(name: "w", shape: [count], format: .bf16)
                let writer = try SafetensorsWriter(path: path, tensors: [tensor])
                try writer.append(values, to: "w")
                try writer.finish()
                let checkpoint = try SafetensorsCheckpoint(path: path)
                stored.append(checkpoint)
                floats.append(
                    try MemoryCheckpoint(
                        "\(index)",
                        tensors: [.init("w", shape: [count], values: try checkpoint.values(of: "w"))]
                    )
                )
            }
            (self.stored, self.floats) = (stored, floats)
        }
    }

    private static let models = Result { try Models(unchanged: 0.2) }
    private static let sparse = Result { try Models(unchanged: 0.9) }

    private func values(_ method: some MergeMethod, _ members: [any Checkpoint]) throws -> [Float] {
        try MergedCheckpoint(nil, method, members: members).values(of: "w")
    }

    /// The largest difference between the two ways.
    private func difference(
        _ models: Models,
        _ method: (any Checkpoint) -> any MergeMethod,
        members: Int = 3
    ) throws -> Float {
        let stored = try values(method(models.stored[0]), Array(models.stored[1...members]))
        let floats = try values(method(models.floats[0]), Array(models.floats[1...members]))
        return zip(stored, floats).map { abs($0 - $1) }.max() ?? .infinity
    }

    @Test("what is computed element by element, bit for bit")
    func elements() throws {
        let models = try Self.models.get()
        #expect(try difference(models) { _ in .linear(weights: [0.5, 0.3, 0.4]) } == 0)
        #expect(
            try difference(models) { .taskArithmetic(base: $0, weights: [0.5, -0.3, 0.4], lambda: 0.9) } == 0
        )
    }

    @Test("trimmed task vectors, bit for bit", arguments: [0.01, 0.3, 0.5, 0.85, 0.999])
    func ties(_ density: Double) throws {
        for models in [try Self.models.get(), try Self.sparse.get()] {
            let parameter = MergeParameter.constant(density)
            #expect(
                try difference(models) { .ties(base: $0, density: parameter, weights: [0.5, 0.4, 0.3]) } == 0
            )
            #expect(
                try difference(models) {
                    .ties(base: $0, density: [.constant(density), 1, 0], vote: .count, combination: .mean)
                } == 0
            )
        }
    }

    @Test("random thinning keeps the same elements; its scales are sums of many numbers")
    func dare() throws {
        let models = try Self.models.get()
        for vote in [nil, SignVote.weighted] {
            let worst = try difference(models) {
                .dare(base: $0, density: 0.4, seed: 3, weights: 0.5, vote: vote)
            }
            #expect(worst < 1e-7)
            let paper = try difference(models) {
                .dare(base: $0, density: 0.4, seed: 3, vote: vote, rescaling: .inverseDensity)
            }
            #expect(paper == 0)
            var method = DAREMerge.dare(base: models.stored[0], density: 0.4, seed: 3, vote: vote)
            let held = try values(method, Array(models.stored[1...]))
            method.masks.mostBytes = 0
            #expect(try values(method, Array(models.stored[1...])) == held, "drawn again")
        }
    }

    @Test("angles, to the accuracy of sums that begin in single precision")
    func angles() throws {
        let models = try Self.models.get()
        #expect(try difference(models, { _ in .slerp(t: 0.3) }, members: 2) < 1e-8)
        #expect(try difference(models) { .modelStock(base: $0) } < 1e-7)
        #expect(try difference(models) { _ in .karcher() } < 1e-7)
    }

    @Test("a range that begins anywhere is the same part of the whole")
    func ranges() throws {
        let models = try Self.models.get()
        let methods: [any MergeMethod] = [
            .ties(base: models.stored[0], density: 0.5), .linear(),
            .dare(base: models.stored[0], density: 0.5, seed: 1),
        ]
        for method in methods {
            let merged = MergedCheckpoint(nil, method, members: Array(models.stored[1...]))
            let whole = try merged.values(of: "w")
            for range in [5..<77, 128..<140_000, 149_990..<150_001] {
                #expect(try merged.values(of: "w", elements: range) == Array(whole[range]))
            }
        }
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

@Suite("One name, several definitions")
struct MergeConventionTests {
    static let combinations = [SignCombination.mean, .sum]
    /// FusionBench's names of the merges that are compared here.
    static let goldens = combinations.map { "ties_global_keep20_\($0.rawValue)" }

    /// Models of the tensors that the reference was given.
    private func models(like golden: any Checkpoint) throws -> [any Checkpoint] {
        try ["base", "ftA", "ftB", "ftC"].map { name in
            let input = try MergeGoldens.input("fp32/" + name)
            return try MemoryCheckpoint(
                name,
                tensors: golden.tensors.map {
                    .init($0.name, shape: $0.shape, values: try input.values(of: $0.name))
                }
            )
        }
    }

    @Test(
        "the paper's TIES trims the whole model at once, as FusionBench does",
        arguments: combinations
    )
    func wholeModel(_ combination: SignCombination) throws {
        let golden = try MergeGoldens.checkpoint(
            "statistics/ties_global_keep20_\(combination.rawValue).safetensors"
        )
        let models = try models(like: golden)
        let count = golden.tensors.reduce(0) { $0 + $1.elementCount }
        // FusionBench keeps what is at least as large as the element of rank n − ⌊n / 5⌋ from below: one more than a fifth.
        let density = (Double(count / 5) + 1.5) / Double(count)
        var method = TIESMerge.ties(.paper, base: models[0], density: .constant(density), lambda: 0.3)
        #expect(method.scope == .model && method.vote == .sum && method.combination == .mean)
        method.combination = combination
        let merged = MergedCheckpoint(nil, method, members: Array(models.dropFirst()))
        for tensor in golden.tensors {
            let (ours, theirs) = (try merged.values(of: tensor.name), try golden.values(of: tensor.name))
            for (mine, wanted) in zip(ours, theirs) {
                #expect(abs(mine - wanted) <= 1e-7 + 2e-6 * abs(wanted), "\(tensor.name)")
            }
        }
        // Tensor by tensor it is another merge.
        method.scope = .tensor
        let other = MergedCheckpoint(nil, method, members: Array(models.dropFirst()))
        #expect(try golden.tensors.contains { try other.values(of: $0.name) != merged.values(of: $0.name) })
    }

    @Test("of equal changes in several tensors the first by name are kept")
    func equals() throws {
        func model(_ name: String, _ value: Float) throws -> MemoryCheckpoint {
            try MemoryCheckpoint(
                name,
                tensors: ["b", "a", "c"].map {
                    .init($0, shape: [4], values: [Float](repeating: value, count: 4))
                }
            )
        }
        let (base, changed) = (try model("base", 0), try model("m", 1))
        let merged = Merge(.ties(.paper, base: base, density: 0.5)) { changed }
        #expect(try merged.values(of: "a") == [1, 1, 1, 1])
        #expect(try merged.values(of: "b") == [1, 1, 0, 0])
        #expect(try merged.values(of: "c") == [0, 0, 0, 0])
        let most = Merge(.ties(.paper, base: base, density: 1)) { changed }
        #expect(try most.values(of: "c") == [1, 1, 1, 1])
    }

    @Test("every convention sets the knobs of its source")
    func knobs() {
        let mergekit = TIESMerge.ties(.mergekit, density: 0.5)
        #expect(mergekit.vote == .weighted && mergekit.combination == .weightedMean)
        #expect(mergekit.scope == .tensor && mergekit.rescaling == .none)
        let peft = TIESMerge.ties(.peft, density: 0.5)
        #expect(peft.vote == .sum && peft.combination == .mean && peft.scope == .tensor)
        #expect(DAREMerge.dare(.mergekit, density: 0.5, seed: 1).rescaling == .l1)
        #expect(DAREMerge.dare(.paper, density: 0.5, seed: 1).rescaling == .inverseDensity)
        #expect(DAREMerge.dare(.peft, density: 0.5, seed: 1).rescaling == .inverseDensity)
        #expect(DELLAMerge.della(.mergekit, density: 0.5, seed: 1).rescaling == .l1)
        #expect(DELLAMerge.della(.paper, density: 0.5, seed: 1).rescaling == .inverseDensity)
    }
}

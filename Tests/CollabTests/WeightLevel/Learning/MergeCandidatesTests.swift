import Collab
import Foundation
import Testing

@Suite("Candidates of a learned merge")
struct MergeCandidatesTests {
    private func candidates(groups: Int) throws -> (MergeCandidates, [any Checkpoint]) {
        let base = try ToyCheckpoints.random("base", seed: 1)
        let members = try (2...3).map {
            try ToyCheckpoints.random("member \($0)", seed: $0, scale: 0.1, around: base)
        }
        let candidates = try MergeCandidates(
            weightsPerGroup: 2,
            groupCount: groups,
            group: { MergeCandidates.layerGroup(of: $0, layers: 2, groups: groups) }
        ) { (weights) throws(CollabError) in
            Merge(.taskArithmetic(base: base, weights: .members(weights.map { .constant($0) }))) { members }
        }
        return (candidates, [base] + members)
    }

    @Test("each group of layers is merged by its own weights, element by element")
    func values() throws {
        let (candidates, inputs) = try candidates(groups: 2)
        #expect(candidates.dimension == 4)
        let point = [0.5, 0.25, 1, -1]
        let merged = try candidates.checkpoint(for: point)
        for (tensor, weights) in [
            ("layers.0.matrix", [0.5, 0.25]), ("norm", [0.5, 0.25]), ("layers.1.matrix", [1, -1]),
        ] {
            let rows = try inputs.map { try $0.values(of: tensor) }
            for (place, value) in try merged.values(of: tensor).enumerated() {
                let base = Double(rows[0][place])
                var expected = base
                for (row, weight) in zip(rows.dropFirst(), weights) {
                    expected += weight * (Double(row[place]) - base)
                }
                #expect(abs(Double(value) - expected) < 1e-6)
            }
        }
    }

    @Test("only tensors whose weights have changed are computed again")
    func recomputing() throws {
        let (candidates, _) = try candidates(groups: 2)
        func read(_ point: [Double]) throws -> Int {
            let before = candidates.computedTensors
            let merged = try candidates.checkpoint(for: point)
            for tensor in merged.tensors { _ = try merged.values(of: tensor.name) }
            return candidates.computedTensors - before
        }
        // “shared” is the same in all members and is computed by nobody.
        #expect(try read([1, 0, 0, 1]) == 3)
        #expect(try read([1, 0, 0, 1]) == 0)
        #expect(try read([1, 0, 0.5, 1]) == 1)
        #expect(try read([0.9, 0, 0.5, 1]) == 2)
    }

    @Test("a candidate of too few weights is refused")
    func refusal() throws {
        let (candidates, _) = try candidates(groups: 2)
        let error = #expect(throws: CollabError.self) { try candidates.checkpoint(for: [1]) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("entropy over texts is the mean of the distributions' own")
    func entropy() async throws {
        // p = (1/2, 1/4, 1/4): 1.5 bits; nothing else can come.
        let count = ToyTokenizer.letters.count
        let likely = [log(Float(0.5)), log(Float(0.25)), log(Float(0.25))]
        let model = ToyModel("sure", always: likely + Array(repeating: -.infinity, count: count - 3))
        let value = try await model.meanEntropy(over: ["ab", "c"])
        #expect(abs(value - 1.5 * log(2.0)) < 1e-6)
    }
}

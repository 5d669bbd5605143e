import Testing

@testable import Collab

@Suite("What random methods draw")
struct DrawnMaskTests {
    /// Rows of 300 do not end where blocks do.
    private static let shape = [221, 300]

    private func members() throws -> [any Checkpoint] {
        try (0..<3).map { (seed: UInt64) in
            var generator = SeededGenerator(seed: seed)
            let values = (0..<Self.shape[0] * Self.shape[1]).map { _ in Float(generator.nextUnit() - 0.5) }
            return try MemoryCheckpoint("m", tensors: [.init("w", shape: Self.shape, values: values)])
        }
    }

    @Test("is the same whether it is written down or drawn again, however the result is read")
    func drawnAgain() throws {
        let members = try members()
        for vote in [nil, SignVote.weighted] {
            var ranked = DELLAMerge.della(density: [0.5, 0.3], seed: 7, vote: vote)
            var random = DAREMerge.dare(density: [0.5, 0.3], seed: 7, vote: vote)
            let held = [
                try MergedCheckpoint(nil, ranked, members: members).values(of: "w"),
                try MergedCheckpoint(nil, random, members: members).values(of: "w"),
            ]
            (ranked.masks.mostBytes, random.masks.mostBytes) = (0, 0)
            for (method, expected) in zip([ranked, random] as [any MergeMethod], held) {
                let merged = MergedCheckpoint(nil, method, members: members)
                #expect(try merged.values(of: "w") == expected, "\(method.name)")
                for range in [66_001..<expected.count, 65_501..<66_001, 17..<65_501, 0..<17] {
                    #expect(try merged.values(of: "w", elements: range) == Array(expected[range]))
                }
            }
        }
    }

    @Test("by rank is each row's own, in one sequence of numbers over the tensor")
    func rows() throws {
        let members = try members()
        let inputs = TensorInputs(
            tensor: members[0].tensors[0],
            members: [members[1]],
            base: members[0],
            requiresFinite: true
        )
        let draw = RankedDraw(
            inputs,
            member: 0,
            probabilities: (0.5, 0.5),
            generator: SeededGenerator(seed: 7),
            isDividing: false
        )
        // Of equal magnitudes the lower index ranks lower, so that numbers are taken in the order of the elements.
        var generator = SeededGenerator(seed: 7)
        for row in 0..<3 {
            let expected = (0..<300).map { _ in generator.nextUnit() < 0.5 ? Float(1) : 0 }
            #expect(draw.factors(ofRow: row, repeatElement(1, count: 300)) == expected)
        }
    }

    @Test("is written down as long as it takes 112 MiB at most, which the plan states")
    func memory() {
        let small = TensorDescription(name: "w", shape: [1024, 1024], format: .bf16)
        let large = TensorDescription(name: "w", shape: [128_256, 4096], format: .bf16)
        for method in [DAREMerge.dare(density: 0.5, seed: 1), DELLAMerge.della(density: 0.5, seed: 1)]
            as [any MergeMethod]
        {
            #expect(method.workingByteCount(of: small, memberCount: 3) == 3 << 17)
            #expect(method.workingByteCount(of: large, memberCount: 1) == 128_256 * 512)
            #expect(method.workingByteCount(of: large, memberCount: 3) == 0)
        }
        let exact = DELLAMerge.della(density: 0.5, seed: 1, rescaling: .inverseDensity)
        #expect(exact.workingByteCount(of: small, memberCount: 3) == 0)
    }
}

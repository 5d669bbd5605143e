import Testing

@testable import Collab

@Suite("Fusions that go by what was written")
struct FusionHistoryTests {
    @Test(
        "having gone back to the answer's beginning, they go on as if they had never left it",
        arguments: [(Fusion.posteriorMixture(priors: [0.6, 0.3, 0.1]), 3), (.classConditional(), 3)]
    )
    func beginning(fusion: Fusion, count: Int) async throws {
        let members = (0..<count).map { member in
            ToyModel("member \(member)") { tokens in
                var generator = SeededGenerator(seed: UInt64(tokens.count * 31 + member))
                return (0..<5).map { _ in 4 * Float(generator.nextUnit()) }
            }
        }
        let fused = FusedModel(nil, fusion, members: members)
        let request = Request(.completion("a"))
        let expected = try await fused.startDecoding(request).decoder.append([1, 2], logits: .all)
        let decoder = try await fused.startDecoding(request).decoder
        _ = try await decoder.append([0, 3], logits: .all)
        try await decoder.truncate(to: decoder.position - 2)
        let fork = try await decoder.fork()
        for decoder in [decoder, fork] {
            let rows = try await decoder.append([1, 2], logits: .all)
            #expect(rows.map(\.values) == expected.map(\.values))
        }
    }
}

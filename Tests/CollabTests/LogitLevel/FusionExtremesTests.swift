import Testing

@testable import Collab

@Suite("Extreme weights and strengths of fusions")
struct FusionExtremesTests {
    private let rows = [[0, -3, -8, -20], [-10, -10, -11, -12]].map { Logits($0) }

    private func fuse(_ fusion: Fusion) throws -> FusedStep {
        try FusionPlan(fusion, memberCount: 2).fuse(rows, names: ["base", "other"])
    }

    @Test("a union or an intersection that is stronger than 1 subtracts the base, so it has a mask")
    func strong() throws {
        for fusion in [Fusion.union, .intersection] {
            #expect(try fuse(fusion).survivors == nil)
            for strength in [1.5, 3, -0.5] {
                let step = try fuse(fusion.scheduled(.steps([strength])))
                #expect(step.survivors == 1 && step.favourite == 0, "\(fusion) at \(strength)")
            }
            #expect(try fuse(fusion.scheduled(.steps([0.5]))).survivors == nil)
        }
    }

    @Test("the least temperature gives all weight to the surest, or to who knows the prompt best")
    func temperatures() throws {
        let step = try fuse(.entropyWeighted(temperature: .leastNonzeroMagnitude))
        #expect(step.members.map { $0?.weight } == [1, 0])
        let plan = try FusionPlan(
            .packLLM(temperature: .leastNonzeroMagnitude),
            memberCount: 2,
            losses: [3, 2]
        )
        #expect(plan.weights == [0, 1])
    }

    @Test(
        "weights that overflow are said to",
        arguments: [
            .mixture(weights: [1e308, 1e308]), .productOfExperts(weights: [1e300, 1]),
            .productOfExperts(weights: [1e38, 3e38]), .logLinear(weights: [1e38, 3e38]),
        ] as [Fusion]
    )
    func overflow(fusion: Fusion) {
        let error = #expect(throws: CollabError.self) { try fuse(fusion) }
        #expect(error?.message.contains("overflow") == true, "\(error?.message ?? "")")
    }
}

import CollabTesting
import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Fusion rules against their definitions")
struct FusionRuleTests {
    /// Three members' logits over a vocabulary of a size that no vector length divides.
    let members: [[Double]] = {
        var generator = SeededGenerator(seed: 4)
        return (0..<3).map { _ in (0..<1237).map { _ in Double(Float(generator.nextUnit() * 24 - 12)) } }
    }()

    func plan(_ fusion: Fusion, _ count: Int) throws -> FusionPlan {
        try FusionPlan(fusion, memberCount: count)
    }

    @Test("a product of experts of two coins")
    func product() throws {
        // 0.9·0.2 : 0.1·0.8 = 9 : 4 for the plain product, the square roots of that for the geometric mean.
        let coins = [[log(0.9), log(0.1)], [log(0.2), log(0.8)]]
        let plain = try plan(.productOfExperts(weights: [1, 1]), 2).logprobs(coins)
        #expect(abs(exp(plain[0]) - 9.0 / 13) < 1e-6)
        let mean = try plan(.productOfExperts, 2).logprobs(coins)
        #expect(abs(exp(mean[0]) - 1.5 / 2.5) < 1e-6)
    }

    @Test("a mixture of two coins")
    func mixture() throws {
        let coins = [[log(0.9), log(0.1)], [log(0.2), log(0.8)]]
        #expect(try abs(exp(plan(.mixture, 2).logprobs(coins)[0]) - 0.55) < 1e-6)
        #expect(try abs(exp(plan(.mixture(weights: [3, 1]), 2).logprobs(coins)[0]) - 0.725) < 1e-6)
    }

    @Test(
        "log-linear rules of the literature",
        arguments: [
            (Fusion.logLinear(weights: [0.8, 0.2]), [0.8, 0.2]),
            (.contextAware(alpha: 0.5), [1.5, -0.5]),
            (.guidance(gamma: 1.5), [1.5, -0.5]),
            (.contrastive(alpha: 0.1, beta: 0.5), [1.5, -0.5]),
            (.dexperts(strength: 2), [1, 2, -2]),
            (.proxyTuning(strength: 1), [1, 1, -1]),
        ]
    )
    func logLinear(_ fusion: Fusion, _ weights: [Double]) throws {
        let rows = Array(members.prefix(weights.count))
        let expected = FusionReference.logLinear(rows, weights)
        let unmasked = try plan(fusion.masked(by: .none), weights.count).logprobs(rows)
        #expect(largestDifference(unmasked, expected) < 1e-4)
        // Only with a negative weight does a mask come by itself, on the base.
        let reference = fusion.base ?? weights.firstIndex(of: weights.max()!)!
        let threshold = rows[reference].max()! + log(0.1)
        let masked =
            weights.contains { $0 < 0 }
            ? FusionReference.masked(expected) { rows[reference][$0] >= threshold } : expected
        #expect(try largestDifference(plan(fusion, weights.count).logprobs(rows), masked) < 1e-4)
    }

    @Test("linear mixtures")
    func linear() throws {
        let expected = FusionReference.linear(members, [5, 3, 2])
        #expect(
            try largestDifference(plan(.linear(weights: [5, 3, 2]), 3).logprobs(members), expected) < 2e-5
        )
    }

    @Test("masks keep what their definitions keep")
    func masks() throws {
        let fused = FusionReference.logLinear(members, [1, 1, 1])
        let tops = members.map { $0.max()! + log(0.1) }
        func logprobs(_ mask: Fusion.Mask) throws -> [Double] {
            try plan(Fusion.logLinear(weights: [1, 1, 1]).masked(by: mask), 3).logprobs(members)
        }
        func expect(_ mask: Fusion.Mask, _ keep: (Int) -> Bool) throws {
            let expected = FusionReference.masked(fused, keep)
            #expect(try largestDifference(logprobs(mask), expected) < 1e-4, "\(mask)")
        }
        try expect(.plausibility(alpha: 0.1, of: .member(1))) { members[1][$0] >= tops[1] }
        try expect(.plausibility(alpha: 0.1, of: .any)) { v in (0..<3).contains { members[$0][v] >= tops[$0] }
        }
        // No token is plausible to all three: then it is as with any.
        try expect(.plausibility(alpha: 0.1, of: .all)) { v in (0..<3).contains { members[$0][v] >= tops[$0] }
        }
        let loose = members.map { $0.max()! + log(1e-4) }
        try expect(.plausibility(alpha: 1e-4, of: .all)) { v in
            (0..<3).allSatisfy { members[$0][v] >= loose[$0] }
        }
        let order = members[2].indices.sorted { (-members[2][$0], $0) < (-members[2][$1], $1) }
        let probabilities = FusionReference.logSoftmax(members[2]).map { exp($0) }
        var (mass, nucleus) = (0.0, Set<Int>())
        for v in order where mass < 0.9 {
            nucleus.insert(v)
            mass += probabilities[v]
        }
        try expect(.nucleus(topP: 0.9, of: 2)) { nucleus.contains($0) }
        try expect(.plausibility(alpha: 0, of: .member(0))) { _ in true }
    }

    @Test("the divergence of each member from the result")
    func divergences() throws {
        let rows = members.map { Logits($0.map { Float($0) }) }
        let step = try plan(.linear(weights: [5, 3, 2]), 3).fuse(rows, names: ["a", "b", "c"])
        let fused = FusionReference.linear(members, [5, 3, 2])
        for (index, divergence) in step.members.map({ $0?.divergence ?? -1 }).enumerated() {
            #expect(abs(divergence - FusionReference.divergence(fused, members[index])) < 1e-4)
        }
        let own = try plan(.logLinear(weights: [1, 0]), 2).fuse(Array(rows.prefix(2)), names: ["a", "b"])
        #expect(own.members.map { $0?.divergence ?? -1 }[0] < 1e-6)
        #expect(own.members.map { $0?.divergence ?? -1 }[1] > 0.1)
    }

    @Test("a member of weight 0 changes nothing, and 1.0 · base is base")
    func zeroWeight() throws {
        let alone = FusionReference.logSoftmax(members[0])
        #expect(
            try largestDifference(plan(.contextAware(alpha: 0), 2).logprobs(Array(members[..<2])), alone)
                < 1e-6
        )
        #expect(
            try largestDifference(plan(.guidance(gamma: 1), 2).logprobs(Array(members[..<2])), alone) < 1e-6
        )
        #expect(try largestDifference(plan(.logLinear(weights: [1]), 1).logprobs([members[0]]), alone) < 1e-6)
    }

    @Test("normalised weights are divided by their sum")
    func normalised() throws {
        let fusion = Fusion("n", .logLinear, weights: .normalised([3, 1]))
        #expect(try plan(fusion, 2).weights == [0.75, 0.25])
    }

    @Test("a token that a member cannot write stays impossible, whatever the sign of its weight")
    func impossible() throws {
        let rows = [[0, 1, -Double.infinity, 2], [1, -Double.infinity, 0, 0]]
        for weights in [[1.0, 1], [2, -1], [-1, 2]] {
            let fused = try plan(.logLinear(weights: weights).masked(by: .none), 2).logprobs(rows)
            #expect(fused[1] == -.infinity && fused[2] == -.infinity)
            #expect(fused[0].isFinite && fused[3].isFinite)
        }
        // In a mixture one member suffices.
        let mixed = try plan(.mixture, 2).logprobs(rows)
        #expect(mixed.allSatisfy { $0.isFinite })
        #expect(largestDifference(mixed, FusionReference.linear(rows, [1, 1])) < 1e-6)
    }

    @Test("broken rows and empty results are typed errors that name the member")
    func broken() throws {
        let good = Logits([0, 1])
        func code(_ fusion: Fusion, _ rows: [Logits]) -> (CollabError.Code?, String) {
            let error = #expect(throws: CollabError.self) {
                try plan(fusion, 2).fuse(rows, names: ["good", "bad"])
            }
            return (error?.code, error?.message ?? "")
        }
        let nan = code(.productOfExperts, [good, Logits([.nan, 1])])
        #expect(nan.0 == .notFinite && nan.1.contains("“bad”"))
        #expect(code(.mixture, [good, Logits([.infinity, 1])]).0 == .notFinite)
        let masked = code(.productOfExperts, [good, Logits([-.infinity, -.infinity])])
        #expect(masked.0 == .nothingToSample && masked.1.contains("“bad”"))
        let disjoint = code(.productOfExperts, [Logits([0, -.infinity]), Logits([-.infinity, 0])])
        #expect(disjoint.0 == .nothingToSample)
        let ten = Logits([0, 10])
        #expect(code(.logLinear(weights: [1e38, 1e38]), [ten, ten]).0 == .notFinite)
    }

    @Test(
        "weights that make no sense are refused before anything is decoded",
        arguments: [
            (Fusion.productOfExperts, 0, CollabError.Code.emptyTeam),
            (.contrastive(), 3, .invalidRequest),
            (.dexperts(), 2, .invalidRequest),
            (.logLinear(weights: [.nan, 1]), 2, .invalidRequest),
            (.logLinear(weights: [0, 0]), 2, .invalidRequest),
            (.linear(weights: [1, -0.5]), 2, .invalidRequest),
            (.linear(weights: [0, 0]), 2, .invalidRequest),
            (Fusion("n", .logLinear, weights: .normalised([1, -1])), 2, .invalidRequest),
            (Fusion.mixture.masked(by: .plausibility(alpha: 2, of: .any)), 2, .invalidRequest),
            (Fusion.mixture.masked(by: .plausibility(alpha: 0.1, of: .member(2))), 2, .invalidRequest),
            (Fusion.mixture.masked(by: .nucleus(topP: 0, of: 0)), 2, .invalidRequest),
            (Fusion.mixture.masked(by: .nucleus(topP: 0.9, of: 5)), 2, .invalidRequest),
        ]
    )
    func refusals(_ fusion: Fusion, _ count: Int, _ code: CollabError.Code) {
        let error = #expect(throws: CollabError.self) { try FusionPlan(fusion, memberCount: count) }
        #expect(error?.code == code)
    }

    @Test("fusions are values that can be stored")
    func codable() throws {
        #expect(Fusion.contrastive() == Fusion.contrastive(alpha: 0.1, beta: 0.5))
        #expect(Fusion.contrastive() != Fusion.contrastive(alpha: 0.2))
    }
}

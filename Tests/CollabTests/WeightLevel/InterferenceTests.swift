import Collab
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("A report of interference")
struct InterferenceTests {
    /// Task vectors (1, −2, 0, 3) and (1, 2, 4, 0) over a base of ones: worked by hand.
    func worked() async throws -> InterferenceReport {
        let base = try ToyCheckpoints.single("base", [1, 1, 1, 1])
        let first = try ToyCheckpoints.single("first", [2, -1, 1, 4])
        let second = try ToyCheckpoints.single("second", [2, 3, 5, 1])
        return try await InterferenceReport(of: [first, second], base: base)
    }

    @Test("counts conflicts, what cancels out, lengths and angles as by hand")
    func handWorked() async throws {
        let total = try await worked().total
        #expect(total.elementCount == 4)
        #expect((total.sharedCount, total.conflictCount) == (2, 1))
        #expect(total.signConflict == 0.5)
        // Σ|d| = 6 + 7; the sum is (2, 0, 4, 3).
        #expect((total.mass, total.survivingMass) == (13, 9))
        #expect(isNear(total.cancellation, 4.0 / 13, within: 1e-15))
        #expect(isNear(total.norm(of: 0), 14.0.squareRoot(), within: 1e-12))
        #expect(isNear(total.norm(of: 1), 21.0.squareRoot(), within: 1e-12))
        #expect(isNear(total.relativeNorm(of: 0), (14.0 / 4).squareRoot(), within: 1e-12))
        #expect(isNear(total.cosine(0, 1), (1 - 4) / (14.0 * 21).squareRoot(), within: 1e-12))
        #expect(total.meanCosine == total.cosine(0, 1))
        #expect(isNear(total.predictedInterference(on: 0), (21.0 / 14).squareRoot(), within: 1e-12))
    }

    /// A matrix of 4 × 3, and what two members add to it.
    private func overlap(_ first: [Float], _ second: [Float], rank: Int) async throws -> SubspaceOverlap {
        let zeros = [Float](repeating: 0, count: 12)
        func model(_ name: String, _ values: [Float]) throws -> MemoryCheckpoint {
            try MemoryCheckpoint(name, tensors: [.init("m.weight", shape: [4, 3], values: values)])
        }
        let report = try await InterferenceReport(
            of: [try model("a", first), try model("b", second)],
            base: try model("base", zeros),
            rank: rank
        )
        return try #require(report.subspaces)
    }

    @Test("leading directions overlap whole, not at all, or by the square of the angle's cosine")
    func subspaces() async throws {
        // Row 0 reads column 0; row 1 reads columns 0 and 1 in the ratio 3 to 4.
        let first: [Float] = [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let second: [Float] = [0, 0, 0, 0.6, 0.8, 0, 0, 0, 0, 0, 0, 0]
        let found = try await overlap(first, second, rank: 1)
        #expect(isNear(found.outputs(0, 1), 0, within: 1e-9))
        #expect(isNear(found.inputs(0, 1), 0.36, within: 1e-6))
        #expect(isNear(found.outputs(0, 0), 1, within: 1e-9))
        #expect(isNear(found.chance.outputs, 0.25, within: 1e-12))
        #expect(isNear(found.chance.inputs, 1.0 / 3, within: 1e-12))
        let same = try await overlap(first, first.map { -3 * $0 }, rank: 2)
        #expect(isNear(same.meanOverlap, 1, within: 1e-9), "a task vector of rank 1 has one direction")
    }

    @Test("without a rank no directions are measured")
    func noSubspaces() async throws {
        #expect(try await worked().subspaces == nil)
    }

    @Test("finds nothing between a member and itself, and everything between opposites")
    func extremes() async throws {
        let base = try ToyCheckpoints.random("base", seed: 1)
        let member = try ToyCheckpoints.random("member", seed: 2, around: base)
        let same = try await InterferenceReport(of: [member, member], base: base).total
        #expect(same.signConflict == 0)
        #expect(same.cancellation < 1e-12)
        #expect(isNear(same.cosine(0, 1), 1, within: 1e-12))
        let opposite = MergedCheckpoint(
            "opposite",
            .taskArithmetic(base: base, weights: -1),
            members: [member]
        )
        let total = try await InterferenceReport(of: [member, opposite], base: base).total
        #expect(total.signConflict == 1)
        #expect(total.cancellation > 0.999_999)
        #expect(isNear(total.cosine(0, 1), -1, within: 1e-6))
    }

    @Test("adds tensors up to modules and layers")
    func groups() async throws {
        let base = try ToyCheckpoints.random("base", seed: 1)
        let members = try (2...4).map { try ToyCheckpoints.random("m\($0)", seed: UInt64($0), around: base) }
        let report = try await InterferenceReport(of: members, base: base)
        #expect(report.tensors.map(\.name) == base.tensors.map(\.name))
        #expect(report.modules.map(\.name) == ["matrix", "norm", "shared"])
        #expect(report.layers.map(\.layer) == [0, 1])
        let matrices = report.tensors[0].figures.conflictCount + report.tensors[1].figures.conflictCount
        #expect(report.modules[0].figures.conflictCount == matrices)
        #expect(report.total.elementCount == base.tensors.reduce(0) { $0 + $1.elementCount })
        #expect(report.modules[2].figures.mass == 0)
    }

    @Test("is the same on any number of threads, and comes back from JSON")
    func reproducible() async throws {
        let base = try ToyCheckpoints.random("base", seed: 1)
        let members = try (2...4).map { try ToyCheckpoints.random("m\($0)", seed: UInt64($0), around: base) }
        let alone = try await InterferenceReport(of: members, base: base, threads: 1)
        #expect(try await InterferenceReport(of: members, base: base, threads: 4) == alone)
        let data = try JSONEncoder().encode(alone)
        #expect(try JSONDecoder().decode(InterferenceReport.self, from: data) == alone)
    }

    @Test("shows tables and a drawing, with names that XML would misread")
    func shown() async throws {
        let base = try ToyCheckpoints.random("base <0> & \"co\"", seed: 1)
        let members = try (2...3).map { try ToyCheckpoints.random("m\($0)", seed: UInt64($0), around: base) }
        let report = try await InterferenceReport(of: members, base: base)
        let text = report.description
        #expect(text.contains("m2, m3"))
        #expect(text.contains("matrix"))
        for measure in InterferenceReport.Measure.allCases {
            let svg = report.heatMap(of: measure)
            #expect(svg.contains("base &lt;0&gt; &amp; &quot;co&quot;"))
            #expect(svg.components(separatedBy: "<rect ").count == 17)
            #expect(svg.hasSuffix("</svg>\n"))
        }
    }

    @Test("refuses no members, other shapes and weights that are no numbers")
    func refused() async throws {
        let base = try ToyCheckpoints.single("base", [1, 2])
        await #expect(throws: CollabError.self) { try await InterferenceReport(of: [], base: base) }
        let longer = try ToyCheckpoints.single("longer", [1, 2, 3])
        let shape = await #expect(throws: CollabError.self) {
            try await InterferenceReport(of: [longer], base: base)
        }
        #expect(shape?.code == .tensorMismatch)
        let broken = try ToyCheckpoints.single("broken", [1, .nan])
        let error = await #expect(throws: CollabError.self) {
            try await InterferenceReport(of: [broken], base: base)
        }
        #expect(error?.code == .notFinite)
        #expect(error?.message.contains("broken") == true)
    }

    @Test(
        "reads layers and modules off the names of both file formats",
        arguments: [
            ("model.layers.3.self_attn.q_proj.weight", 3, "self_attn.q_proj"),
            ("blk.12.ffn_up.weight", 12, "ffn_up"),
            ("model.embed_tokens.weight", nil, "model.embed_tokens"),
            ("output_norm.weight", nil, "output_norm"),
            ("h.0.attn.bias", 0, "attn.bias"), ("weight", nil, "weight"), ("", nil, ""), ("a.7", nil, "a.7"),
        ] as [(String, Int?, String)]
    )
    func modules(tensor: String, layer: Int?, name: String) {
        let module = TensorModule(tensor: tensor)
        #expect(module.layer == layer)
        #expect(module.name == name)
    }
}

private func isNear(_ value: Double, _ expected: Double, within tolerance: Double) -> Bool {
    abs(value - expected) <= tolerance
}

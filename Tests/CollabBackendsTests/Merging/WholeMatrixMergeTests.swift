import CollabBackends
import Foundation
import Testing

@testable import Collab

@Suite("Merges of whole matrices equal FusionBench's")
struct WholeMatrixMergeTests {
    /// FusionBench's names of the merges that are compared here.
    static let goldens = [
        "iso_c", "iso_c_scale1p5_all2d", "iso_cts_0p8", "tsvm", "tsvm_alpha0p7_all2d", "wudi_iter50",
    ]

    /// How far a merge may be off, relative to the largest element of a tensor: the reference is in float32.
    private static let tolerance = 2e-6

    private func difference(
        _ method: some MergeMethod,
        from golden: String,
        _ isCompared: (String) -> Bool = { _ in true }
    ) throws -> Double {
        let members = try ["fp32/ftA", "fp32/ftB", "fp32/ftC"].map { try MergeGoldens.input($0) }
        let merged = MergedCheckpoint(nil, method, members: members)
        let expected = try MergeGoldens.output(golden)
        var worst = 0.0
        for tensor in expected.tensors where isCompared(tensor.name) {
            let (ours, theirs) = (try merged.values(of: tensor.name), try expected.values(of: tensor.name))
            let largest = theirs.map { abs(Double($0)) }.max() ?? 1
            worst = max(
                worst,
                zip(ours, theirs).map { abs(Double($0) - Double($1)) }.max().map { $0 / largest } ?? 0
            )
        }
        return worst
    }

    private func base() throws -> SafetensorsCheckpoint { try MergeGoldens.input("fp32/base") }

    @Test("Iso-C, with the embeddings as vectors and as a matrix")
    func isoC() throws {
        // 400 elements: every matrix of a layer, and not the embeddings.
        var method = IsotropicMerge.isoC(base: try base())
        method.largestMatrix = 400
        #expect(try difference(method, from: "iso-c") < Self.tolerance)
        #expect(try difference(.isoC(base: try base(), lambda: 1.5), from: "iso-c-scale1p5") < Self.tolerance)
    }

    @Test("Iso-CTS divides what is not common evenly among the members")
    func isoCTS() throws {
        var method = IsotropicMerge.isoCTS(base: try base(), commonShare: 0.8)
        method.largestMatrix = 400
        #expect(try difference(method, from: "iso-cts") < Self.tolerance)
    }

    @Test("TSV-M, where every member's task vector has as many directions as it keeps")
    func tsvM() throws {
        var method = SingularVectorMerge.tsvM(base: try base())
        method.largestMatrix = 400
        // ftB has changed every matrix in two directions; elsewhere the reference keeps rounding errors as directions.
        let worst = try difference(method, from: "tsv-m") { name in
            ["k_proj", "v_proj", "norm", "embed"].contains { name.contains($0) }
        }
        #expect(worst < Self.tolerance)
        // Here the embeddings are a matrix as well, of more directions than ftB has changed.
        let scaled = try difference(.tsvM(base: try base(), lambda: 0.7), from: "tsv-m-scale0p7") { name in
            ["k_proj", "v_proj", "norm"].contains { name.contains($0) }
        }
        #expect(scaled < Self.tolerance)
    }

    @Test("rounding errors are no directions")
    func directions() throws {
        // Rank 1 and a rounding error.
        var values: [Float] = [1, 2, 3, 4, 2, 4, 6, 8, 3, 6, 9, 12]
        values[5] += 1e-6
        let zero = [Float](repeating: 0, count: 12)
        let (base, member) = (
            try MemoryCheckpoint("base", tensors: [.init("w", shape: [3, 4], values: zero)]),
            try MemoryCheckpoint("one", tensors: [.init("w", shape: [3, 4], values: values)])
        )
        let inputs = TensorInputs(
            tensor: base.tensors[0],
            members: [member],
            base: base,
            requiresFinite: true
        )
        var directions = TaskDirections(TaskMatrices(inputs), capacity: 3)
        try directions.add(of: [0], count: 3)
        #expect(directions.lengths.count == 1)
        // ‖(1, 2, 3)‖ · ‖(1, 2, 3, 4)‖
        #expect(abs(directions.lengths[0] - (14.0 * 30).squareRoot()) < 1e-6)
    }

    @Test("rows are turned to stand at right angles")
    func rightAngles() throws {
        let tilted = DoubleMatrix(rows: 2, columns: 3, values: [1, 0, 0, 0.6, 0.8, 0])
        var (gram, rows) = (DoubleMatrix(rows: 2, columns: 2), DoubleMatrix(rows: 2, columns: 3))
        try gram.addSquare(of: tilted.factor)
        try rows.put(gram.takeInverseRoot().factor, times: tilted.factor)
        var products = DoubleMatrix(rows: 2, columns: 2)
        try products.put(rows.factor, times: rows.factor.transposed)
        for (found, wanted) in zip(products.values, [1.0, 0, 0, 1]) { #expect(abs(found - wanted) < 1e-12) }
    }

    @Test("WUDI after fifty steps of Adam")
    func wudi() throws {
        var method = WUDIMerge.wudi(base: try base(), steps: 50)
        method.largestMatrix = 400
        #expect(try difference(method, from: "wudi-50") < Self.tolerance)
    }

    @Test("rules that hold whole matrices are let go, and made again with the same result")
    func eviction() throws {
        let members = try ["fp32/ftA", "fp32/ftB"].map { try MergeGoldens.input($0) }
        let merged = MergedCheckpoint(nil, .isoC(base: try base()), members: members)
        let first = "model.layers.0.mlp.up_proj.weight"
        let before = try merged.values(of: first)
        for tensor in merged.tensors { _ = try merged.values(of: tensor.name) }
        #expect(try merged.values(of: first) == before)
    }
}

@Suite("Merges by statistics equal FusionBench's")
struct StatisticsMergeTests {
    /// FusionBench's names of the merges that are compared here.
    static let goldens = fisherNames + alphas.map { "regmean_\($0)" }
    static let fisherNames = ["fisher", "fisher_unnormalised", "fisher_coeff"]
    static let alphas = [1.0, 0.95, 0.1]

    /// How far a merge may be off, relative to the largest element of a tensor: the reference is in float32.
    private static let tolerance = 2e-6

    /// A part of the file of inputs under the names that statistics and models have.
    private func part(_ prefix: String, as renamed: (String) -> String) throws -> MemoryCheckpoint {
        let inputs = try MergeGoldens.checkpoint("statistics/data_inputs.safetensors")
        let tensors = try inputs.tensors.filter { $0.name.hasPrefix(prefix) }.map {
            MemoryCheckpoint.Tensor(
                renamed(String($0.name.dropFirst(prefix.count))),
                shape: $0.shape,
                values: try inputs.values(of: $0.name)
            )
        }
        return try MemoryCheckpoint(prefix, tensors: tensors)
    }

    private func models() throws -> [MemoryCheckpoint] { try (0..<3).map { try part("model\($0).") { $0 } } }

    private func difference(_ method: some MergeMethod, from golden: String) throws -> Double {
        let merged = MergedCheckpoint(nil, method, members: try models())
        let expected = try MergeGoldens.checkpoint("statistics/\(golden).safetensors")
        #expect(Set(merged.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
        return try expected.tensors.map { tensor in
            let (ours, theirs) = (try merged.values(of: tensor.name), try expected.values(of: tensor.name))
            let largest = theirs.map { abs(Double($0)) }.max() ?? 1
            return (zip(ours, theirs).map { abs(Double($0) - Double($1)) }.max() ?? 0) / largest
        }.max() ?? 0
    }

    @Test("Fisher merging, of informations made alike and as they are, with equal and other weights")
    func fisher() throws {
        let statistics = try (0..<3).map { ModelStatistics(try part("fisher\($0).") { "fisher/" + $0 }) }
        let methods: [FisherMerge] = [
            .fisher(statistics), .fisher(statistics, normalise: false),
            .fisher(statistics, weights: [0.5, 0.3, 0.2]),
        ]
        for (method, golden) in zip(methods, Self.fisherNames) {
            #expect(try difference(method, from: golden) < Self.tolerance)
        }
    }

    @Test("RegMean with whole and with reduced Gram matrices", arguments: alphas)
    func regMean(_ alpha: Double) throws {
        let statistics = try (0..<3).map { ModelStatistics(try part("gram\($0).") { "gram/\($0).weight" }) }
        let method = RegMeanMerge.regMean(statistics, alpha: .constant(alpha))
        #expect(try difference(method, from: "regmean_\(alpha)") < Self.tolerance)
    }

    /// `Scripts/fixtures/make_merge_references.py`, by full decompositions in numpy.
    @Test(
        "task vectors of full rank merge as numpy's decompositions do",
        arguments: ["iso_c", "iso_cts", "tsv_m", "wudi"]
    )
    func decompositions(_ name: String) throws {
        let models = try models()
        let expected = try MergeGoldens.checkpoint("statistics/matrices.safetensors")
        let method: any MergeMethod =
            switch name {
            case "iso_c": .isoC(base: models[0])
            case "iso_cts": .isoCTS(base: models[0])
            case "tsv_m": .tsvM(base: models[0])
            default: .wudi(base: models[0], steps: 20, rate: 1e-3)
            }
        let merged = MergedCheckpoint(nil, method, members: Array(models[1...]))
        for tensor in ["fc.weight", "out.weight"] {
            let (ours, theirs) = (
                try merged.values(of: tensor), try expected.values(of: "\(name).\(tensor)")
            )
            #expect(ours.count == theirs.count)
            let allowed = Float(Self.tolerance) * (theirs.map(abs).max() ?? 1)
            for (found, wanted) in zip(ours, theirs) { #expect(abs(found - wanted) < allowed) }
        }
    }

    @Test("statistics of another size, and too few of them, are refused")
    func refusals() throws {
        let statistics = try (0..<2).map { ModelStatistics(try part("gram\($0).") { "gram/\($0).weight" }) }
        let few = #expect(throws: CollabError.self) {
            try MergedCheckpoint(nil, .regMean(statistics), members: try models()).validate()
        }
        #expect(few?.code == .invalidRequest)
        let wrong = ModelStatistics(
            try MemoryCheckpoint("wrong", tensors: [.init("gram/fc.weight", shape: [1, 1], values: [1])])
        )
        let merged = MergedCheckpoint(nil, .regMean([wrong, wrong, wrong]), members: try models())
        let error = #expect(throws: CollabError.self) { try merged.values(of: "fc.weight") }
        #expect(error?.code == .tensorMismatch)
    }

    @Test("k and v share the Gram matrix of q, and up that of gate")
    func sharing() throws {
        let tensors = [
            "gram/model.layers.3.self_attn.q_proj.weight", "gram/model.layers.3.mlp.gate_proj.weight",
        ]
        let statistics = ModelStatistics(
            try MemoryCheckpoint("s", tensors: tensors.map { .init($0, shape: [1, 1], values: [1]) })
        )
        #expect(statistics.gramName(of: "model.layers.3.self_attn.v_proj.weight") == tensors[0])
        #expect(statistics.gramName(of: "model.layers.3.mlp.up_proj.weight") == tensors[1])
        #expect(statistics.gramName(of: "model.layers.3.mlp.down_proj.weight") == nil)
    }
}

import Collab
import CollabBackends
import Testing

@testable import CollabMerging

@Suite("Matrices that are too large to be merged whole")
struct LargestMatrixTests {
    private static let methods = ["iso_c", "iso_cts", "tsv_m", "wudi"]

    /// The plan of a merge of models of which there is nothing but descriptions.
    private func plan(_ method: String, _ parameters: String, _ tensors: [(String, [Int])]) throws
        -> MergePlan
    {
        let yaml = """
            merge_method: \(method)
            base_model: base
            models: [{model: first}, {model: second}]
            parameters: {\(parameters)}
            """
        let document = try MergeDocument.documents(yaml: yaml, source: "test")[0]
        let model = DescribedCheckpoint(
            tensors: tensors.map { TensorDescription(name: $0.0, shape: $0.1, format: .bf16) }
        )
        return try MergePlan(document, named: ["base": model, "first": model, "second": model])
    }

    private func notes(_ plan: MergePlan) -> [String] {
        plan.warnings.filter { $0.contains("mean of the task vectors") }
    }

    /// 2²⁶ elements and a row more.
    private static let large = [8193, 8192]

    @Test("are counted and named by the plan, embeddings among them", arguments: methods)
    func named(_ method: String) throws {
        let tensors = [
            ("model.embed_tokens.weight", Self.large), ("model.layers.0.q_proj.weight", [8192, 8192]),
            ("model.layers.0.up_proj.weight", Self.large), ("model.layers.0.norm.weight", [1 << 27]),
            ("model.layers.1.up_proj.weight", Self.large), ("lm_head.weight", Self.large),
        ]
        let plan = try plan(method, "", tensors)
        #expect(
            notes(plan) == [
                "4 matrices have more than 67108864 elements and get the mean of the task vectors, not what "
                    + "\(method) does to smaller ones: “model.embed_tokens.weight”, “model.layers.0.up_proj.weight”, "
                    + "“model.layers.1.up_proj.weight” and 1 more. A larger “largest_matrix” has them merged whole."
            ]
        )
        #expect(Set(plan.workingByteCounts.keys) == ["model.layers.0.q_proj.weight"])
    }

    @Test("are merged whole when the limit is raised, and nothing is noted then", arguments: methods)
    func raised(_ method: String) throws {
        let tensors = [("model.layers.0.up_proj.weight", Self.large)]
        let usual = try plan(method, "", tensors)
        #expect(notes(usual).count == 1 && usual.workingByteCounts.isEmpty && usual.scratchByteCounts.isEmpty)
        let raised = try plan(method, "largest_matrix: 67117056", tensors)
        #expect(notes(raised).isEmpty)
        #expect(raised.workingByteCounts.count == 1 && raised.scratchByteCounts.count == 1)
        #expect(raised.forecast(threads: 2).peakByteCount < 300_000_000)
    }

    @Test("are told apart by the limits of their own that filters give them")
    func filters() throws {
        let tensors = [
            ("embed.weight", [4, 5]), ("layers.0.up.weight", [4, 5]), ("layers.0.down.weight", [5, 4]),
        ]
        let parameter = "largest_matrix: [{filter: embed, value: 8}, {filter: up, value: 20}, {value: 19}]"
        let found = try notes(plan("iso_c", parameter, tensors))
        #expect(found.count == 2)
        #expect(found.first?.hasPrefix("1 matrix has more than 8 elements and gets") == true)
        #expect(found.first?.contains("“embed.weight”. A larger “largest_matrix” has it") == true)
        #expect(found.last?.contains("“layers.0.down.weight”. A") == true)
    }

    /// The plan of a merge of real weights.
    private func merge(_ method: String, _ limit: Int?) throws -> MergePlan {
        try MergeFixtures.plan(
            yaml: """
                models: [{model: inputs/fp32/ftA}, {model: inputs/fp32/ftB}]
                merge_method: \(method)
                base_model: inputs/fp32/base
                parameters: {lambda: 0.5\(limit.map { ", largest_matrix: \($0)" } ?? "")}
                """
        )
    }

    @Test("get the mean of the task vectors, and one element more of the limit merges them whole")
    func values() throws {
        let name = "model.layers.0.mlp.up_proj.weight"
        let inputs = try ["base", "ftA", "ftB"].map {
            try SafetensorsCheckpoint(path: "\(MergeFixtures.folder)/inputs/fp32/\($0)")
        }
        let count = try #require(inputs[0].description(of: name)?.elementCount)
        let values = try inputs.map { try $0.values(of: name) }
        let mean = (0..<count).map { 0.5 * values[0][$0] + 0.25 * (values[1][$0] + values[2][$0]) }
        func distance(_ found: [Float]) -> Float { zip(found, mean).map { abs($0 - $1) }.max() ?? .infinity }
        for method in Self.methods {
            let whole = try merge(method, nil).result.values(of: name)
            #expect(try distance(merge(method, count - 1).result.values(of: name)) < 1e-6)
            #expect(try merge(method, count).result.values(of: name) == whole)
            #expect(distance(whole) > 1e-4, "\(method) does something else to it")
        }
        // The same in Swift.
        var swift = IsotropicMerge.isoC(base: inputs[0], lambda: 0.5)
        swift.largestMatrix = count - 1
        let merged = MergedCheckpoint(nil, swift, members: Array(inputs[1...]))
        #expect(try merged.values(of: name) == merge("iso_c", count - 1).result.values(of: name))
    }

    @Test("are noted of a document that another one uses, too")
    func used() throws {
        let plan = try MergeFixtures.plan(
            yaml: """
                name: inner
                models: [{model: inputs/fp32/ftA}, {model: inputs/fp32/ftB}]
                merge_method: iso_c
                base_model: inputs/fp32/base
                parameters: {largest_matrix: 400}
                ---
                models: [{model: inner}, {model: inputs/fp32/ftC}]
                merge_method: linear
                parameters: {weight: 0.5}
                """
        )
        #expect(notes(plan).count == 1)
        #expect(notes(plan).first?.contains("not what iso_c does to smaller ones: “lm_head.weight”") == true)
    }

    @Test("a limit is a whole number of at least 1", arguments: ["0", "-4", "2.5", "many", "[4, 2.5]"])
    func refused(_ value: String) throws {
        let error = #expect(throws: CollabError.self) {
            try plan("tsv_m", "largest_matrix: \(value)", [("w", [2, 2])])
        }
        #expect(error?.code == .malformedFile && error?.message.contains("“largest_matrix”") == true)
    }

    @Test("other methods know no such limit")
    func others() throws {
        let plan = try plan("ties", "weight: 1", [("model.embed_tokens.weight", Self.large)])
        #expect(notes(plan).isEmpty)
        let error = #expect(throws: CollabError.self) {
            try self.plan("ties", "weight: 1, largest_matrix: 10", [("w", [2, 2])])
        }
        #expect(error?.code == .malformedFile)
    }
}

/// A checkpoint of which there is nothing but the description.
private struct DescribedCheckpoint: Checkpoint {
    var tensors: [TensorDescription]
    var name: String { "described" }
    var specification: any ModelSpecification { NamedSpecification("toy") }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        throw CollabError(.unsupported, "A plan reads no weights.")
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

/// What mergekit 0.1.5 lets pass, or finds only when it is half done, is an error from the headers here; what only the
/// weights tell names the tensor.
@Suite("What would spoil a merge is found")
struct BehaviourProbeTests {
    private static let damaged = "model.layers.1.mlp.up_proj.weight"

    /// A copy of a model in the fixtures with other tensors, as files in BF16.
    private func copy(
        _ name: String,
        to folder: String,
        leavingOut missing: String? = nil,
        adding extra: TensorDescription? = nil,
        spoiling spoiled: Float? = nil
    ) throws {
        let source = try SafetensorsCheckpoint(path: "\(MergeFixtures.folder)/inputs/bf16/\(name)")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: "\(MergeFixtures.folder)/inputs/bf16/\(name)/config.json",
            toPath: folder + "/config.json"
        )
        let tensors = source.tensors.filter { $0.name != missing } + (extra.map { [$0] } ?? [])
        let writer = try SafetensorsWriter(path: folder + "/model.safetensors", tensors: tensors)
        for tensor in tensors {
            var values =
                tensor.name == extra?.name
                ? [Float](repeating: 1, count: tensor.elementCount) : try source.values(of: tensor.name)
            if let spoiled, tensor.name == Self.damaged { values[7] = spoiled }
            try writer.append(values, to: tensor.name)
        }
        try writer.finish()
    }

    private func plan(_ method: String, _ model: String, _ parameters: String = "") throws -> MergePlan {
        try MergeFixtures.plan(
            yaml: """
                models:
                  - {model: inputs/bf16/ftA, parameters: {\(parameters)}}
                  - {model: \(model), parameters: {\(parameters)}}
                merge_method: \(method)
                base_model: inputs/bf16/base
                """
        )
    }

    @Test(
        "a weight that is no number is an error that names model and tensor, by every method that measures first",
        arguments: [
            ("ties", "weight: 1, density: 0.5"), ("dare_ties", "weight: 1, density: 0.5"),
            ("dare_linear", "weight: 1, density: 0.5"), ("model_stock", ""),
            ("task_arithmetic", "weight: 1"), ("sce", ""), ("breadcrumbs", "weight: 1, density: 0.5"),
            ("della", "weight: 1, density: 0.5"), ("iso_c", ""),
        ],
        [Float.nan, .infinity]
    )
    func notFinite(_ method: (name: String, parameters: String), _ value: Float) throws {
        let scratch = try ScratchFolder()
        try copy("ftB", to: scratch.path + "/bad", spoiling: value)
        let plan = try plan(method.name, scratch.path + "/bad", method.parameters)
        let error = #expect(throws: CollabError.self) { try plan.result.values(of: Self.damaged) }
        #expect(error?.code == .notFinite)
        #expect(error?.message.contains(Self.damaged) == true)
        #expect(error?.message.contains("bad") == true)
        // Other tensors are as they were.
        _ = try plan.result.values(of: "model.layers.0.mlp.up_proj.weight")
    }

    @Test("a tensor that one model has and another lacks is refused by name before anything is read")
    func extraAndMissing() throws {
        let scratch = try ScratchFolder()
        let bias = "model.layers.0.self_attn.q_proj.bias"
        try copy(
            "ftB",
            to: scratch.path + "/more",
            adding: TensorDescription(name: bias, shape: [18], format: .bf16)
        )
        let more = #expect(throws: CollabError.self) {
            try plan("task_arithmetic", scratch.path + "/more", "weight: 1")
        }
        #expect(more?.code == .tensorMismatch && more?.message.contains(bias) == true)
        try copy("ftB", to: scratch.path + "/less", leavingOut: Self.damaged)
        let less = #expect(throws: CollabError.self) {
            try plan("task_arithmetic", scratch.path + "/less", "weight: 1")
        }
        #expect(less?.code == .tensorMismatch && less?.message.contains(Self.damaged) == true)
    }

    @Test("a shard that is not there, and a file that ends early, are found before anything is read")
    func files() throws {
        let scratch = try ScratchFolder()
        let sharded = scratch.path + "/sharded"
        try FileManager.default.copyItem(
            atPath: MergeFixtures.folder + "/inputs/fp32/base-sharded",
            toPath: sharded
        )
        let shard = try #require(
            try FileManager.default.contentsOfDirectory(atPath: sharded).sorted().last {
                $0.hasSuffix(".safetensors")
            }
        )
        try FileManager.default.removeItem(atPath: sharded + "/" + shard)
        let missing = #expect(throws: CollabError.self) {
            try plan("task_arithmetic", sharded, "weight: 1")
        }
        #expect(missing?.code == .fileNotFound && missing?.message.contains(shard) == true)

        try copy("ftB", to: scratch.path + "/short")
        let path = scratch.path + "/short/model.safetensors"
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        try data.dropLast(100).write(to: URL(fileURLWithPath: path))
        let short = #expect(throws: CollabError.self) {
            try plan("task_arithmetic", scratch.path + "/short", "weight: 1")
        }
        #expect(short?.code == .malformedFile)
    }

    @Test("PyTorch's pickles are refused with the reason, as a file and in a folder")
    func pickles() throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path + "/old"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data([0x80, 2]).write(to: URL(fileURLWithPath: folder + "/pytorch_model.bin"))
        for path in [folder, folder + "/pytorch_model.bin"] {
            let error = #expect(throws: CollabError.self) { try plan("task_arithmetic", path, "weight: 1") }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains("can run code") == true)
            #expect(error?.message.contains("safetensors") == true)
        }
    }

    @Test(
        "methods beyond mergekit's are spelled in configurations as well",
        arguments: ["iso_c", "iso_cts", "tsv_m", "magmax", "emr", "consensus"]
    )
    func matrices(_ method: String) throws {
        let plan = try plan(method, "inputs/bf16/ftB", "")
        let members = try ["ftA", "ftB"].map {
            try SafetensorsCheckpoint(path: "\(MergeFixtures.folder)/inputs/bf16/\($0)")
        }
        let base = try SafetensorsCheckpoint(path: "\(MergeFixtures.folder)/inputs/bf16/base")
        let expected =
            switch method {
            case "iso_c": MergedCheckpoint(nil, .isoC(base: base), members: members)
            case "iso_cts": MergedCheckpoint(nil, .isoCTS(base: base), members: members)
            case "magmax": MergedCheckpoint(nil, .magMax(base: base), members: members)
            case "emr": MergedCheckpoint(nil, .emr(base: base), members: members)
            case "consensus": MergedCheckpoint(nil, .consensus(base: base), members: members)
            default: MergedCheckpoint(nil, .tsvM(base: base), members: members)
            }
        #expect(try plan.result.values(of: Self.damaged) == expected.values(of: Self.damaged))
    }

    @Test("ExPO goes beyond the one member that a configuration lists")
    func expo() throws {
        let plan = try MergeFixtures.plan(
            yaml: "models: [{model: inputs/bf16/ftB}]\nmerge_method: expo\nbase_model: inputs/bf16/base\n"
                + "parameters: {alpha: 0.3}\n"
        )
        let folder = MergeFixtures.folder + "/inputs/bf16/"
        let (start, goal) = (
            try SafetensorsCheckpoint(path: folder + "base").values(of: Self.damaged),
            try SafetensorsCheckpoint(path: folder + "ftB").values(of: Self.damaged)
        )
        for (place, value) in try plan.result.values(of: Self.damaged).enumerated() {
            let wanted = Double(goal[place]) + 0.3 * (Double(goal[place]) - Double(start[place]))
            #expect(abs(Double(value) - wanted) < 1e-6)
        }
    }
}

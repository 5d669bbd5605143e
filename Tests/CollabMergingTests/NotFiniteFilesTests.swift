import Collab
import CollabBackends
import CollabKernels
import Foundation
import Testing

@testable import CollabMerging

@Suite("Files hold no NaN and nothing infinite unless it is let through")
struct NotFiniteFilesTests {
    private static let damaged = "model.layers.1.mlp.up_proj.weight"
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    /// A model of the fixtures with one element that is no number.
    private func brokenModel(_ folder: String, like source: String) throws {
        let source = try SafetensorsCheckpoint(path: MergeFixtures.folder + "/inputs/" + source)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let writer = try SafetensorsWriter(path: folder + "/model.safetensors", tensors: source.tensors)
        for tensor in source.tensors {
            var values = try source.values(of: tensor.name)
            if tensor.name == Self.damaged { values[7] = .nan }
            try writer.append(values, to: tensor.name)
        }
        try writer.finish()
    }

    private func write(
        _ yaml: String,
        to folder: String,
        as format: MergeFormat = .safetensors,
        requiringFinite: Bool = true
    ) async throws -> SafetensorsCheckpoint {
        let file = try MergeFile(
            yaml: yaml,
            source: "config.yml",
            relativeTo: MergeFixtures.folder,
            requiringFinite: requiringFinite
        )
        let plan = try file.stages[0].plan.stored(as: format)
        _ = try await MergeWriter(plan, to: scratch.path + folder, configuration: yaml).run()
        return try SafetensorsCheckpoint(path: scratch.path + folder)
    }

    @Test("a model that is passed through is looked at", arguments: ["fp32/ftA", "bf16/ftA"])
    func copied(_ source: String) async throws {
        let bad = scratch.path + "/bad"
        try brokenModel(bad, like: source)
        let yaml = "models: [{model: \(bad)}]\nmerge_method: passthrough\n"
        let error = await #expect(throws: CollabError.self) { try await write(yaml, to: "/strict") }
        #expect(error?.code == .notFinite)
        #expect(
            error?.message.contains("Element 7 of the tensor “\(Self.damaged)” of \(bad) is nan") == true,
            "\(error?.message ?? "")"
        )
        let copy = try await write(yaml, to: "/lax", requiringFinite: false)
        #expect(try copy.values(of: Self.damaged)[7].isNaN)
    }

    @Test(
        "weights in bfloat16 are looked at before rules that drop or outvote",
        arguments: [
            "merge_method: ties\nparameters: {density: 1, weight: 1}",
            "merge_method: dare_ties\nparameters: {density: 0.2, weight: 1, rescale: false}",
            "merge_method: magmax",
        ]
    )
    func stored(_ method: String) async throws {
        let bad = scratch.path + "/bad"
        try brokenModel(bad, like: "bf16/ftA")
        let yaml =
            "models: [{model: \(bad)}, {model: inputs/bf16/ftB}]\nbase_model: inputs/bf16/base\n\(method)\n"
        let error = await #expect(throws: CollabError.self) { try await write(yaml, to: "/strict") }
        #expect(
            error?.message.contains("Element 7 of the tensor “\(Self.damaged)” of \(bad) is nan") == true,
            "\(error?.message ?? "")"
        )
        _ = try await write(yaml, to: "/lax", requiringFinite: false)
    }

    @Test("a result larger than its type holds is an error that names the element")
    func overflow() async throws {
        let models =
            "models: [{model: inputs/fp32/ftA, parameters: {weight: 10000000}}]\nbase_model: inputs/fp32/base\n"
            + "merge_method: task_arithmetic\n"
        let half = models + "out_dtype: float16\n"
        let error = await #expect(throws: CollabError.self) { try await write(half, to: "/strict") }
        #expect(error?.code == .notFinite)
        #expect(error?.message.contains("larger than f16 holds") == true, "\(error?.message ?? "")")
        let lax = try await write(half, to: "/lax", requiringFinite: false)
        #expect(try lax.tensors.contains { try lax.values(of: $0.name).contains { $0.isInfinite } })
        let fits = try await write(models + "out_dtype: bfloat16\n", to: "/brain")
        #expect(try fits.tensors.allSatisfy { try fits.values(of: $0.name).allSatisfy(\.isFinite) })
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("A merge that cannot be right is refused before anything is computed")
struct ConfigurationErrorTests {
    private static let models = """
        models:
          - model: inputs/fp32/ftA
            parameters: {weight: 0.5}
          - model: inputs/fp32/ftB
            parameters: {weight: 0.5}

        """

    private func complaint(about yaml: String) -> CollabError? {
        do {
            _ = try MergeFixtures.plan(yaml: yaml)
            return nil
        } catch {
            return error as? CollabError
        }
    }

    @Test(
        "an unknown key names its line and the nearest known one",
        arguments: [
            (models + "merge_method: linear\nnormalise: true\n", "config.yml:7", "normalise"),
            (
                models + "merge_method: linear\nparameters: {normalise: true}\n", "config.yml:7",
                "“normalize” may be meant"
            ),
            (models + "merge_method: liner\n", "config.yml:6", "“linear” may be meant"),
            (
                models.replacingOccurrences(of: "weight", with: "wieght") + "merge_method: linear\n",
                "config.yml:3", "“weight”"
            ),
            (
                models + "merge_method: slerp\nbase_model: inputs/fp32/ftA\n", "config.yml:3",
                "no key “weight”"
            ),
        ]
    )
    func unknownKeys(_ yaml: String, _ place: String, _ part: String) throws {
        let error = try #require(complaint(about: yaml))
        #expect(error.code == .malformedFile)
        #expect(error.message.contains(place) && error.message.contains(part), "\(error)")
    }

    @Test(
        "values out of range, missing ones and those that cancel are errors",
        arguments: [
            (
                models + "merge_method: ties\nbase_model: inputs/fp32/base\nparameters: {density: 5}\n",
                "between 0.0 and 1.0"
            ),
            (models + "merge_method: ties\n", "needs a base_model"),
            (
                "models: [{model: inputs/fp32/ftA}, {model: inputs/fp32/ftB}]\nmerge_method: linear\n",
                "needs “weight”"
            ),
            (
                "models: [{model: inputs/fp32/ftA, parameters: {weight: 1}}, {model: inputs/fp32/ftB, parameters: "
                    + "{weight: -1}}]\nmerge_method: linear\n", "sum to 0"
            ),
            (
                models + "merge_method: della\nbase_model: inputs/fp32/base\nparameters: {density: 0.1}\n",
                "density"
            ),
            (
                "models: [{model: inputs/fp32/ftA}]\nmerge_method: slerp\nbase_model: inputs/fp32/ftA\nparameters: {t: 0.5}\n",
                "two members"
            ),
            ("merge_method: linear\n", "neither models nor slices"),
            ("models: []\nmerge_method: linear\n", "empty list"),
            ("models: [{model: a}, {model: b}\nmerge_method: linear\n", "no YAML"),
            ("", "empty"),
        ]
    )
    func values(_ yaml: String, _ part: String) throws {
        let error = try #require(complaint(about: yaml))
        #expect("\(error)".contains(part), "\(error)")
    }

    @Test("models that do not fit together are refused by the tensor's name")
    func misfits() throws {
        let shapes =
            "models: [{model: inputs/tok/base, parameters: {weight: 1}}, {model: inputs/tok/ext, parameters: {weight: 1}}]\n"
        #expect(complaint(about: shapes + "merge_method: linear\n")?.code == .tensorMismatch)
        let layers =
            "models: [{model: inputs/tok/base, parameters: {weight: 1}}, {model: inputs/fp32/ftA, parameters: {weight: 1}}]\n"
        #expect(complaint(about: layers + "merge_method: linear\n")?.message.contains("layers") == true)
        let range =
            "slices: [{sources: [{model: inputs/fp32/ftA, layer_range: [2, 4]}]}]\nmerge_method: passthrough\n"
        #expect(complaint(about: range)?.message.contains("has 3 layers") == true)
        let missing = "models: [{model: inputs/nowhere, parameters: {weight: 1}}]\nmerge_method: linear\n"
        #expect(complaint(about: missing)?.code == .fileNotFound)
    }

    @Test("documents that use one another in a circle, or have one name, are refused")
    func documents() throws {
        let one = "name: a\nmodels: [{model: b, parameters: {weight: 1}}]\nmerge_method: linear\n"
        let two = "name: b\nmodels: [{model: a, parameters: {weight: 1}}]\nmerge_method: linear\n"
        #expect(complaint(about: one + "---\n" + two)?.message.contains("circle") == true)
        #expect(complaint(about: one + "---\n" + one)?.message.contains("two documents") == true)
    }

    @Test("a document may use another's result, which is then not written itself")
    func stages() throws {
        let yaml = """
            name: half
            models:
              - {model: inputs/fp32/ftA, parameters: {weight: 0.5}}
              - {model: inputs/fp32/ftB, parameters: {weight: 0.5}}
            merge_method: linear
            ---
            models:
              - {model: half, parameters: {weight: 0.5}}
              - {model: inputs/fp32/ftC, parameters: {weight: 0.5}}
            merge_method: linear
            """
        let file = try MergeFile(yaml: yaml, source: "config.yml", relativeTo: MergeFixtures.folder)
        #expect(file.stages.count == 1)
        let names = ["ftA", "ftB", "ftC"]
        let inputs = try names.map {
            try SafetensorsCheckpoint(path: "\(MergeFixtures.folder)/inputs/fp32/\($0)")
        }
        for tensor in file.stages[0].plan.tensors {
            let parts = try inputs.map { try $0.values(of: tensor.name) }
            let found = try file.stages[0].plan.result.values(of: tensor.name)
            for index in found.indices {
                let wanted = 0.25 * parts[0][index] + 0.25 * parts[1][index] + 0.5 * parts[2][index]
                #expect(abs(found[index] - wanted) <= 1e-6)
            }
        }
    }

    @Test("a weight that is no number is an error that names the tensor, unless it is let through")
    func notFinite() async throws {
        let scratch = try ScratchFolder()
        let source = try SafetensorsCheckpoint(path: MergeFixtures.folder + "/inputs/fp32/ftA")
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/bad",
            withIntermediateDirectories: true
        )
        let writer = try SafetensorsWriter(
            path: scratch.path + "/bad/model.safetensors",
            tensors: source.tensors
        )
        let damaged = "model.layers.1.mlp.up_proj.weight"
        for tensor in source.tensors {
            var values = try source.values(of: tensor.name)
            if tensor.name == damaged { values[7] = .nan }
            try writer.append(values, to: tensor.name)
        }
        try writer.finish()
        let yaml =
            "models: [{model: inputs/fp32/ftB, parameters: {weight: 1}}, {model: \(scratch.path)/bad, parameters: {weight: 1}}]\nmerge_method: linear\n"
        func write(_ folder: String, requiringFinite: Bool) async throws {
            let file = try MergeFile(
                yaml: yaml,
                source: "config.yml",
                relativeTo: MergeFixtures.folder,
                requiringFinite: requiringFinite
            )
            _ = try await MergeWriter(file.stages[0].plan, to: scratch.path + folder, configuration: yaml)
                .run()
        }
        let error = await #expect(throws: CollabError.self) {
            try await write("/strict", requiringFinite: true)
        }
        #expect(error?.code == .notFinite)
        #expect(error?.message.contains(damaged) == true)
        try await write("/lax", requiringFinite: false)
        let result = try SafetensorsCheckpoint(path: scratch.path + "/lax")
        let values = try result.values(of: damaged)
        #expect(values[7].isNaN)
        #expect(values.count { !$0.isFinite } == 1)
    }
}

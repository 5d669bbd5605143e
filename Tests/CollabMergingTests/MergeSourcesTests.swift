import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("A merge knows every file that it was made of")
struct MergeSourcesTests {
    private func inputs(of folder: String) throws -> [JSONValue] {
        let written = try SafetensorsCheckpoint(path: folder)
        let text = try #require(written.files[0].metadata["merge_inputs"])
        return try JSONValue(parsing: Array(text.utf8)).arrayValue ?? []
    }

    private func write(_ yaml: String, to folder: String, _ options: MergeOptions = MergeOptions())
        async throws
        -> MergeSummary
    {
        let file = try MergeFile(yaml: yaml, source: "config.yml", relativeTo: MergeFixtures.folder)
        return try await MergeWriter(file.stages[0].plan, to: folder, configuration: yaml, options: options)
            .run()
    }

    @Test("adapters are among them, and so are the models of a document that another uses")
    func everything() async throws {
        let scratch = try ScratchFolder()
        let yaml = """
            name: half
            models:
              - {model: inputs/fp32/ftA, parameters: {weight: 0.5}}
              - {model: inputs/fp32/base+peft/adapters/L1, parameters: {weight: 0.5}}
            merge_method: linear
            ---
            models:
              - {model: half, parameters: {weight: 0.5}}
              - {model: inputs/fp32/ftC, parameters: {weight: 0.5}}
            merge_method: linear
            """
        _ = try await write(yaml, to: scratch.path + "/out")
        let found = try inputs(of: scratch.path + "/out").map {
            "\($0["model"]?.stringValue ?? "") \($0["file"]?.stringValue ?? "")"
        }
        let wanted = [
            "inputs/fp32/ftC model.safetensors", "inputs/fp32/ftA model.safetensors",
            "inputs/fp32/ftA config.json",
            "inputs/fp32/base model.safetensors", "peft/adapters/L1 adapter_config.json",
            "peft/adapters/L1 adapter_model.safetensors",
        ]
        #expect(found.sorted() == wanted.sorted())
        let card = try String(contentsOfFile: scratch.path + "/out/README.md", encoding: .utf8)
        #expect(card.contains("| peft/adapters/L1 | adapter_model.safetensors |"))
    }

    @Test("a document that another uses with an adapter is used, too, and not written")
    func adaptedDocument() throws {
        let yaml = """
            name: half
            models: [{model: inputs/fp32/ftA, parameters: {weight: 1}}]
            merge_method: linear
            ---
            models: [{model: half+peft/adapters/L1, parameters: {weight: 1}}]
            merge_method: linear
            """
        let turned = yaml.components(separatedBy: "---\n").reversed().joined(separator: "\n---\n")
        for yaml in [yaml, turned] {
            let file = try MergeFile(yaml: yaml, source: "config.yml", relativeTo: MergeFixtures.folder)
            #expect(file.stages.count == 1)
            let paths = file.stages[0].plan.files.map(\.file.path)
            #expect(paths.contains { $0.hasSuffix("ftA/model.safetensors") })
            #expect(paths.contains { $0.hasSuffix("L1/adapter_model.safetensors") })
        }
    }

    @Test("the tokenizer is among them: the result's own, and all that a vocabulary is put together of")
    func tokenizers() throws {
        let models =
            "models: [{model: inputs/tok/perm, parameters: {weight: 1}}, {model: inputs/tok/ext, parameters: {weight: 1}}]\n"
        func files(_ setting: String) throws -> [String] {
            try MergeFixtures.plan(yaml: models + "merge_method: linear\n" + setting).files
                .map { $0.file.path.split(separator: "/").suffix(2).joined(separator: "/") }
        }
        let union = try files("tokenizer_source: union\n")
        #expect(union.contains("perm/tokenizer.json") && union.contains("ext/tokenizer.json"))
        #expect(union.contains("perm/config.json") && union.contains("perm/tokenizer_config.json"))
        #expect(Set(union).count == union.count, "each once")
    }

    @Test("an interrupted merge does not go on when an adapter has changed")
    func changedAdapter() async throws {
        let scratch = try ScratchFolder()
        let adapter = scratch.path + "/adapter"
        try FileManager.default.copyItem(
            atPath: MergeFixtures.folder + "/peft/adapters/L1",
            toPath: adapter
        )
        let yaml = """
            models:
              - {model: inputs/fp32/base+\(adapter), parameters: {weight: 0.5}}
              - {model: inputs/fp32/ftA, parameters: {weight: 0.5}}
            merge_method: linear
            """
        func plan() throws -> MergePlan { try MergeFixtures.plan(yaml: yaml) }
        func stop(_ folder: String) throws {
            let writer = MergeWriter(
                try plan(),
                to: folder,
                configuration: yaml,
                options: MergeOptions(threads: 1)
            )
            let count = Protected(0)
            _ = try? writer.runBlocking(reporting: { _ in }) {
                count.withLock { count in
                    count += 1
                    return count > 20
                }
            }
        }
        try stop(scratch.path + "/same")
        try stop(scratch.path + "/changed")
        #expect(try await write(yaml, to: scratch.path + "/same").resumedTensors > 0)
        let path = adapter + "/adapter_config.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let changed = text.replacingOccurrences(of: "\"lora_alpha\": ", with: "\"lora_alpha\": 1")
        #expect(changed != text)
        try changed.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try await write(yaml, to: scratch.path + "/changed").resumedTensors == 0)
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("The files beside the weights of a model that sees")
struct CompanionFilesTests {
    private static let processors = [
        "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
    ]

    /// A model whose files beside the weights each say whose they are.
    private func model(_ name: String, with files: [String], in scratch: ScratchFolder) throws -> String {
        let path = try scratch.copy("tok/base", as: name)
        for file in files {
            let text = "{\"owner\": \"\(name)\", \"chat_template\": \"\(name)\"}\n"
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
        }
        return path
    }

    private func contents(_ name: String, of folder: String) throws -> JSONValue {
        try JSONValue(parsing: Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))))
    }

    private func write(_ yaml: String, to folder: String) async throws {
        let plan = try MergeFixtures.plan(yaml: yaml)
        _ = try await MergeWriter(plan, to: folder, configuration: yaml).run()
    }

    @Test("how images are cut comes with the configuration, the template with the tokenizer, byte for byte")
    func donors() async throws {
        let scratch = try ScratchFolder()
        let first = try model("first", with: Self.processors + ["chat_template.json"], in: scratch)
        let second = try model("second", with: Self.processors + ["chat_template.json"], in: scratch)
        func yaml(_ source: String) -> String {
            """
            models:
              - {model: \(first), parameters: {weight: 0.5}}
              - {model: \(second), parameters: {weight: 0.5}}
            base_model: \(first)
            merge_method: linear
            tokenizer_source: \(source)
            """
        }
        for (source, owner) in [("base", "first"), (second, "second")] {
            let out = scratch.path + "/out-" + owner
            try await write(yaml(source), to: out)
            for name in Self.processors {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(out)/\(name)"))
                #expect(try bytes == Data(contentsOf: URL(fileURLWithPath: "\(first)/\(name)")), "\(name)")
            }
            #expect(try contents("chat_template.json", of: out)["owner"]?.stringValue == owner)
        }
    }

    @Test("what a model has not, the result has not")
    func absent() async throws {
        let scratch = try ScratchFolder()
        let first = try model("first", with: [], in: scratch)
        let second = try model("second", with: Self.processors, in: scratch)
        let out = scratch.path + "/out"
        let models = "models: [{model: \(first)}, {model: \(second)}]\n"
        try await write(models + "merge_method: linear\nparameters: {weight: 1}\n", to: out)
        for name in Self.processors { #expect(!scratch.exists("out/" + name), "\(name)") }
    }

    @Test("a template that is asked for stands in all files that have one, beside what else they say")
    func template() async throws {
        let scratch = try ScratchFolder()
        let first = try model("first", with: ["chat_template.json", "tokenizer_config.json"], in: scratch)
        let out = scratch.path + "/out"
        try await write(
            "models: [{model: \(first)}]\nmerge_method: passthrough\nchat_template: chatml\n",
            to: out
        )
        for name in ["chat_template.json", "tokenizer_config.json"] {
            let file = try contents(name, of: out)
            #expect(file["chat_template"]?.stringValue == NamedChatTemplate.texts["chatml"], "\(name)")
            #expect(file["owner"] == "first", "\(name)")
        }
    }

    @Test("they are among the files that a finished merge is known by")
    func identity() async throws {
        let scratch = try ScratchFolder()
        let first = try model("first", with: Self.processors, in: scratch)
        let plan = try MergeFixtures.plan(yaml: "models: [{model: \(first)}]\nmerge_method: passthrough\n")
        let names = plan.files.map { $0.file.path.split(separator: "/").last.map(String.init) ?? "" }
        for name in Self.processors { #expect(names.count { $0 == name } == 1, "\(name)") }
    }
}

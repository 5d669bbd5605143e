import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("The chat template of a merge")
struct ChatTemplateSettingTests {
    /// Folders that hold a model's tokenizer and the template given.
    private func models(_ templates: [String?], in scratch: ScratchFolder) throws -> [String] {
        try templates.enumerated().map { index, template in
            let path = "\(scratch.path)/m\(index)"
            try FileManager.default.copyItem(
                atPath: MergeFixtures.folder + "/inputs/tok/base",
                toPath: path
            )
            try Data("{\"model_max_length\": 77}".utf8)
                .write(to: URL(fileURLWithPath: path + "/tokenizer_config.json"))
            if let template {
                try Data(template.utf8).write(to: URL(fileURLWithPath: path + "/chat_template.jinja"))
            }
            return path
        }
    }

    private func configuration(_ models: [String], _ setting: String) -> String {
        let list = models.map { "  - {model: \"\($0)\", parameters: {weight: 1}}\n" }.joined()
        return "models:\n\(list)merge_method: linear\nchat_template: \(setting)\n"
    }

    @Test("auto takes what most models have, and of equally many the first's")
    func automatic() throws {
        let scratch = try ScratchFolder()
        let models = try models(["{{ 'a' }}", "{{ 'b' }}", nil, "{{ 'b' }}"], in: scratch)
        #expect(try MergeFixtures.plan(yaml: configuration(models, "auto")).chatTemplate == "{{ 'b' }}")
        let two = try MergeFixtures.plan(yaml: configuration(Array(models.prefix(2)), "auto"))
        #expect(two.chatTemplate == "{{ 'a' }}")
        let none = try MergeFixtures.plan(yaml: configuration([models[2]], "auto"))
        #expect(none.chatTemplate == nil)
    }

    @Test("it is written where readers of any age look, and leaves the tokenizer's other settings")
    func written() async throws {
        let scratch = try ScratchFolder()
        let models = try models(["{{ 'a' }}"], in: scratch)
        let yaml = configuration(models, "chatml")
        let plan = try MergeFixtures.plan(yaml: yaml)
        _ = try await MergeWriter(plan, to: scratch.path + "/out", configuration: yaml).run()
        let text = try String(contentsOfFile: scratch.path + "/out/chat_template.jinja", encoding: .utf8)
        #expect(text == NamedChatTemplate.texts["chatml"])
        let settings = try JSONValue(
            parsing: Array(
                Data(contentsOf: URL(fileURLWithPath: scratch.path + "/out/tokenizer_config.json"))
            )
        )
        #expect(settings["chat_template"]?.stringValue == text && settings["model_max_length"] == 77)
    }

    static let renderings = [
        ("chatml", "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"),
        (
            "llama3",
            "<b><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
                + "<|start_header_id|>user<|end_header_id|>\n\nU<|eot_id|>"
                + "<|start_header_id|>assistant<|end_header_id|>\n\n"
        ),
        ("mistral", "<b>[INST] S\n\nU [/INST]"),
        ("alpaca", "S\n\n### Instruction:\nU\n\n### Response:\n"),
        ("exaone", "[|system|]S[|endofturn|]\n[|user|]U\n[|assistant|]"),
    ]

    @Test("templates with a name write their format", arguments: renderings)
    func named(_ name: String, _ expected: String) throws {
        let template = try ChatTemplate(source: try #require(NamedChatTemplate.texts[name]))
        let messages: JSONValue = [
            ["role": "system", "content": "S"], ["role": "user", "content": "U"],
        ]
        let text = try template.render(
            messages: messages.arrayValue ?? [],
            bosToken: "<b>",
            eosToken: "<e>"
        )
        #expect(text == expected)
    }

    @Test("a name that nobody knows and a template that does not parse are refused before anything is read")
    func refused() throws {
        let scratch = try ScratchFolder()
        let models = try models([nil], in: scratch)
        let unknown = #expect(throws: CollabError.self) {
            try MergeFixtures.plan(yaml: configuration(models, "chatlm"))
        }
        #expect(unknown?.code == .unsupported && unknown?.message.contains("chatml") == true)
        #expect(throws: CollabError.self) {
            try MergeFixtures.plan(yaml: configuration(models, "\"{% for x in %}\""))
        }
    }
}

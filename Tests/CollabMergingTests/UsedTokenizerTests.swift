import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("A document that another uses hands its tokenizer on")
struct UsedTokenizerTests {
    private let joining = """
        models:
          - {model: inputs/tok/base, parameters: {weight: 0.5}}
          - {model: inputs/tok/ext, parameters: {weight: 0.5}}
        merge_method: linear
        tokenizer_source: union

        """

    private func plan(_ later: String, using first: String) throws -> MergePlan {
        try MergeFixtures.plan(yaml: "name: joined\n\(first)---\n\(later)")
    }

    private func vocabulary(_ plan: MergePlan) throws -> Set<String> {
        let file = try #require(plan.tokenizerFile)
        return Set(try ModelVocabulary(of: plan.donor, file: file).identifiers.keys)
    }

    @Test("a vocabulary that was put together is the result's, and is written with it")
    func union() async throws {
        let scratch = try ScratchFolder()
        let later = "models: [{model: joined}]\nmerge_method: passthrough\n"
        let plan = try plan(later, using: joining)
        let alone = try MergeFixtures.plan(yaml: joining)
        #expect(plan.tokenizerFile == alone.tokenizerFile && plan.tokenizerFile != nil)
        _ = try await MergeWriter(plan, to: scratch.path + "/out", configuration: later).run()
        let written = try JSONValue(
            parsing: Array(Data(contentsOf: URL(fileURLWithPath: scratch.path + "/out/tokenizer.json")))
        )
        #expect(written == alone.tokenizerFile)
        let result = try SafetensorsCheckpoint(path: scratch.path + "/out")
        let embeddings = try #require(result.tensors.first { $0.name.hasSuffix("embed_tokens.weight") })
        let count = try vocabulary(alone).count
        #expect(embeddings.shape[0] == count)
    }

    @Test("it is what later vocabularies are put together of")
    func unionOfUnion() throws {
        let later = """
            models:
              - {model: joined, parameters: {weight: 1}}
              - {model: inputs/tok/perm, parameters: {weight: 1}}
            merge_method: linear
            tokenizer_source: union
            """
        let plan = try plan(later, using: joining)
        #expect(try vocabulary(plan).isSuperset(of: vocabulary(MergeFixtures.plan(yaml: joining))))
    }

    @Test("a model's own tokenizer stands where a later document asks for that")
    func otherSource() throws {
        let later = """
            models:
              - {model: inputs/tok/base, parameters: {weight: 1}}
              - {model: joined, parameters: {weight: 1}}
            merge_method: linear
            tokenizer_source: base
            """
        let file = try #require(try plan(later, using: joining).tokenizerFile)
        let model = try SafetensorsCheckpoint(path: MergeFixtures.folder + "/inputs/tok/base")
        #expect(file == (try ModelVocabulary(of: model).file))
    }

    @Test("so is its chat template, unless the later one has one")
    func chatTemplate() throws {
        let first = joining + "chat_template: chatml\n"
        let later = "models: [{model: joined}]\nmerge_method: passthrough\n"
        #expect(try plan(later, using: first).chatTemplate == NamedChatTemplate.texts["chatml"])
        for (setting, wanted) in [("auto", "chatml"), ("alpaca", "alpaca")] {
            let plan = try plan(later + "chat_template: \(setting)\n", using: first)
            #expect(plan.chatTemplate == NamedChatTemplate.texts[wanted])
        }
        #expect(try plan(later, using: joining).chatTemplate == nil)
    }

    @Test("a vocabulary that was put together for a document that is used is not written as GGUF either")
    func gguf() throws {
        let plan = try plan("models: [{model: joined}]\nmerge_method: passthrough\n", using: joining)
        let error = #expect(throws: CollabError.self) { try plan.stored(as: .gguf(.f32)) }
        #expect(error?.code == .unsupported)
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("Where some models have an output matrix of their own, embeddings stand in for it in the others")
struct OutputMatrixTests {
    private func plan(
        _ embeddings: [String],
        _ output: String,
        tied configuration: String? = "{\"num_hidden_layers\": 1}",
        in scratch: ScratchFolder
    ) throws -> MergePlan {
        let tensors = embeddings + ["model.layers.0.mlp.up_proj.weight"]
        let tied = try scratch.model("tied", tensors: tensors, configuration: configuration)
        let own = try scratch.model("own", tensors: tensors + [output], configuration: configuration)
        return try MergeFixtures.plan(
            yaml: """
                models:
                  - {model: \(own), parameters: {weight: 0.5}}
                  - {model: \(tied), parameters: {weight: 0.5}}
                merge_method: linear
                dtype: float32
                """
        )
    }

    @Test(
        "whatever the architecture calls them",
        arguments: [
            ("model.embed_tokens.weight", "lm_head.weight"), ("transformer.wte.weight", "lm_head.weight"),
            ("gpt_neox.embed_in.weight", "embed_out.weight"),
            ("model.tok_embeddings.weight", "output.weight"),
            ("transformer.word_embeddings.weight", "lm_head.weight"),
            ("language_model.model.embed_tokens.weight", "language_model.lm_head.weight"),
        ]
    )
    func names(_ embeddings: String, _ output: String) throws {
        let scratch = try ScratchFolder()
        let plan = try plan([embeddings], output, in: scratch)
        let found = try plan.result.floats(of: output)
        // Both begin with the embeddings, from 0 on; the own output is the third tensor, from 16 on.
        #expect(found == [8, 9, 10, 11, 12, 13, 14, 15])
        #expect(plan.warnings.contains { $0.contains("“\(output)”; its embeddings stand in") })
        #expect(try ResultConfiguration(of: plan).json?["tie_word_embeddings"] == false)
    }

    @Test("the decoder's, where an encoder has some as well; none of a tower's")
    func others() throws {
        let scratch = try ScratchFolder()
        let names = [
            "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight",
            "vision_tower.embed_tokens.weight",
        ]
        let found = try plan(names, "lm_head.weight", in: scratch).result.floats(of: "lm_head.weight")
        // The decoder's are the second tensor, from 8 on, the output is the fifth, from 32 on.
        #expect(found == [20, 21, 22, 23, 24, 25, 26, 27])
    }

    @Test(
        "where it is not known which, that is said with the names that are known",
        arguments: [["model.codes.weight"], ["model.embed_tokens.weight", "model.wte.weight"]]
    )
    func unknown(_ embeddings: [String]) throws {
        let scratch = try ScratchFolder()
        let error = #expect(throws: CollabError.self) {
            try plan(embeddings, "embed_out.weight", in: scratch)
        }
        #expect(error?.code == .tensorMismatch)
        #expect(error?.message.contains("tied has no “embed_out.weight”") == true)
        #expect(error?.message.contains("embed_tokens.weight, wte.weight, embed_in.weight") == true)
    }

    @Test(
        "not where the configuration says that the two are not tied",
        arguments: [
            "{\"tie_word_embeddings\": false}", "{\"text_config\": {\"tie_word_embeddings\": false}}",
        ]
    )
    func untied(_ configuration: String) throws {
        let scratch = try ScratchFolder()
        let error = #expect(throws: CollabError.self) {
            try plan(["model.embed_tokens.weight"], "lm_head.weight", tied: configuration, in: scratch)
        }
        #expect(error?.code == .tensorMismatch && error?.message.contains("not tied") == true)
    }
}

extension Checkpoint {
    /// All elements of a tensor.
    fileprivate func floats(of name: String) throws -> [Float] {
        let count = description(of: name)?.elementCount ?? 0
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            try read(name, elements: 0..<count, into: buffer)
            initialized = count
        }
    }
}

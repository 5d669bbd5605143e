import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

/// That transformers runs what is written, and as the dense model where all experts are it, is checked by
/// `Scripts/compare-merged-models`.
@Suite("Dense models become a mixture of experts")
struct ExpertMixtureTests {
    private static let folder = MergeFixtures.folder + "/../../models/llama"

    private func parts() throws -> (base: SafetensorsCheckpoint, doubled: any Checkpoint) {
        let base = try SafetensorsCheckpoint(path: Self.folder)
        return (base, 2 * base)
    }

    @Test("experts stand side by side under Mixtral's names, and the rest is the base's or the mean")
    func layout() throws {
        let (base, doubled) = try parts()
        for sharesMean in [false, true] {
            let mixture = try ExpertMixture(
                base: base,
                experts: [base, doubled],
                router: .random(seed: 1),
                sharingMean: sharesMean
            )
            for (dense, sparse) in [("gate", "w1"), ("down", "w2"), ("up", "w3")] {
                let original = try base.values(of: "model.layers.1.mlp.\(dense)_proj.weight")
                let prefix = "model.layers.1.block_sparse_moe.experts."
                #expect(try mixture.values(of: prefix + "0.\(sparse).weight") == original)
                #expect(try mixture.values(of: prefix + "1.\(sparse).weight") == original.map { 2 * $0 })
            }
            let attention = "model.layers.0.self_attn.q_proj.weight"
            let expected = try base.values(of: attention).map { sharesMean ? 1.5 * $0 : $0 }
            #expect(try mixture.values(of: attention) == expected)
            #expect(mixture.description(of: "model.layers.0.mlp.up_proj.weight") == nil)
            let router = try #require(mixture.description(of: "model.layers.1.block_sparse_moe.gate.weight"))
            #expect(router.shape == [2, 32])
            let written = try #require(mixture.specification as? HuggingFaceSpecification).configuration
            #expect(written["model_type"] == "mixtral" && written["num_local_experts"] == 2)
            #expect(written["num_experts_per_tok"] == 2)
        }
    }

    @Test("the configuration says how many experts compute a token", arguments: 1...3)
    func expertsPerToken(_ count: Int) throws {
        let base = try parts().base
        let mixture = try ExpertMixture(
            base: base,
            experts: [base, base, base],
            router: .random(seed: 1),
            expertsPerToken: count
        )
        let written = try #require(mixture.specification as? HuggingFaceSpecification).configuration
        #expect(written["num_experts_per_tok"] == JSONValue(count))
        #expect(written["num_local_experts"] == 3)
    }

    @Test("the router's rows tell apart what the base reads in each expert's texts")
    func router() async throws {
        let model = try await NativeModel(
            contentsOf: Self.folder,
            options: NativeOptions(threads: 1, precision: .float)
        )
        let texts: [[[TokenID]]] = [[[7, 31, 12, 64]], [[5, 22, 79]]]
        let router = try await ExpertRouter.texts(texts, readBy: model)
        let rows = try #require(router.rows(layer: 1, experts: 2, width: 32))
        // Of two experts one row is the other turned round, and each text's own vectors prefer its row.
        for place in 0..<32 { #expect(abs(rows[place] + rows[32 + place]) < 1e-6) }
        for (expert, texts) in texts.enumerated() {
            let mean = try await model.meanFeedForwardInputs(texts)[1]
            let score = (0..<32).reduce(Float(0)) { $0 + mean[$1] * rows[32 * expert + $1] }
            #expect(score > 0)
        }
        #expect(router.rows(layer: 0, experts: 3, width: 32) == nil)
        let error = await #expect(throws: CollabError.self) {
            try await ExpertRouter.texts([[[1]], []], readBy: model)
        }
        #expect(error?.code == .invalidRequest)
    }

    @Test("a random router asks nothing of the base that only the engine needs")
    func randomRouter() async throws {
        let random = ExpertRouter.random(seed: 3)
        let router = try await ExpertRouter.files([], readBy: "/nowhere", tokens: 8, seed: 3)
        let rows = try #require(router.rows(layer: 1, experts: 2, width: 32))
        #expect(rows == random.rows(layer: 1, experts: 2, width: 32))
        await #expect(throws: CollabError.self) {
            try await ExpertRouter.files(["a", "b"], readBy: "/nowhere", tokens: 8, seed: 3)
        }
    }

    @Test("files of text give the router that their tokens give")
    func routerByFiles() async throws {
        let scratch = try ScratchFolder()
        let tokenizer = try ModelFolder(path: Self.folder).makeTokenizer()
        let contents = ["one two", "three"]
        let files = contents.indices.map { "\(scratch.path)/\($0).txt" }
        var texts: [[[TokenID]]] = []
        for (file, text) in zip(files, contents) {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            texts.append([Array(try tokenizer.encode(text, parsingSpecialTokens: false).prefix(5))])
        }
        let wanted = try await ExpertRouter.texts(
            texts,
            readBy: try await NativeModel(contentsOf: Self.folder)
        )
        let found = try await ExpertRouter.files(files, readBy: Self.folder, tokens: 5, seed: 0)
        let rows = try #require(found.rows(layer: 0, experts: 2, width: 32))
        let wantedRows = try #require(wanted.rows(layer: 0, experts: 2, width: 32))
        #expect(zip(rows, wantedRows).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test("what is left over of a quantisation in the base's configuration is not in the mixture's")
    func leftoverQuantisation() throws {
        let base = try parts().base
        let written = try #require(base.specification as? HuggingFaceSpecification)
        var object = try #require(written.configuration.objectValue)
        object["quantization_config"] = ["quant_method": "bitsandbytes"]
        let leftover = StackedCheckpoint(
            "leftover",
            parts: [base],
            specification: HuggingFaceSpecification(configuration: .object(object), folder: written.folder)
        )
        let mixture = try ExpertMixture(base: leftover, experts: [base, base], router: .random(seed: 1))
        let result = try #require(mixture.specification as? HuggingFaceSpecification).configuration
        #expect(result["quantization_config"] == nil && result["model_type"] == "mixtral")
    }

    @Test("the folder holds the mixture and the base's tokenizer")
    func saving() throws {
        let scratch = try ScratchFolder()
        let (base, doubled) = try parts()
        let mixture = try ExpertMixture(base: base, experts: [base, doubled], router: .random(seed: 1))
        try mixture.save(to: scratch.path + "/out")
        let saved = try SafetensorsCheckpoint(path: scratch.path + "/out")
        #expect(Set(saved.tensors.map(\.name)) == Set(mixture.tensors.map(\.name)))
        #expect(saved.specification.architecture == "mixtral")
        #expect(FileManager.default.fileExists(atPath: scratch.path + "/out/tokenizer.json"))
    }

    @Test("what is no mixture is refused")
    func refusals() throws {
        let (base, doubled) = try parts()
        let few = #expect(throws: CollabError.self) {
            try ExpertMixture(base: base, experts: [base], router: .random(seed: 1))
        }
        #expect(few?.code == .invalidRequest)
        let many = #expect(throws: CollabError.self) {
            try ExpertMixture(
                base: base,
                experts: [base, doubled],
                router: .random(seed: 1),
                expertsPerToken: 3
            )
        }
        #expect(many?.code == .invalidRequest)
        let gemma = try SafetensorsCheckpoint(path: MergeFixtures.folder + "/../../models/gemma2")
        let other = #expect(throws: CollabError.self) {
            try ExpertMixture(base: gemma, experts: [gemma, gemma], router: .random(seed: 1))
        }
        #expect(other?.code == .unsupported)
    }
}

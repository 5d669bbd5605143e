import Collab
import CollabBackends
import Testing

@Suite("Adapters are written as PEFT reads them")
struct WrittenAdapterTests {
    @Test("the factors of an embedding have PEFT's names and shapes, and are read back")
    func embedding() throws {
        let folder = try TemporaryFolder()
        let (a, b): ([Float], [Float]) = ([1, 2, 3, 4, 5, 6], [1, 0, 2, 1, -1, 3, 0.5, 2])
        let embedding = try LowRankAdapter.Module(path: "model.embed_tokens", rank: 2, scale: 0.5, a: a, b: b)
        let matrix = try LowRankAdapter.Module(
            path: "model.layers.0.mlp.up_proj",
            rank: 2,
            scale: 1,
            a: a,
            b: b
        )
        let adapter = try LowRankAdapter("one", modules: [embedding, matrix])
        try adapter.write(to: folder.path("one"))
        let file = try SafetensorsCheckpoint(path: folder.path("one") + "/adapter_model.safetensors")
        let prefix = "base_model.model.model."
        // Four tokens, three numbers each.
        #expect(file.description(of: prefix + "embed_tokens.lora_embedding_A")?.shape == [2, 4])
        #expect(file.description(of: prefix + "embed_tokens.lora_embedding_B")?.shape == [3, 2])
        #expect(file.description(of: prefix + "embed_tokens.lora_A.weight") == nil)
        #expect(try file.values(of: prefix + "embed_tokens.lora_embedding_A") == [1, 2, -1, 0.5, 0, 1, 3, 2])
        #expect(try file.values(of: prefix + "embed_tokens.lora_embedding_B") == [1, 4, 2, 5, 3, 6])
        #expect(file.description(of: prefix + "layers.0.mlp.up_proj.lora_A.weight")?.shape == [2, 3])
        let back = try LowRankAdapter(contentsOf: folder.path("one"))
        for (read, written) in zip(back.modules, adapter.modules) {
            #expect(read.path == written.path && read.scale == written.scale)
            #expect(read.a == written.a && read.b == written.b)
        }
    }

    @Test("an adapter that changes nothing is not written: nobody could read it")
    func nothing() throws {
        let folder = try TemporaryFolder()
        let module = try LowRankAdapter.Module(path: "a.q_proj", rank: 1, scale: 1, a: [1, 2], b: [3, 4])
        let adapter = try LowRankAdapter("one", modules: [module])
        let none = try LowRankAdapter("none", composing: [(adapter, 0), (adapter, 0)])
        let error = #expect(throws: CollabError.self) { try none.write(to: folder.path("none")) }
        #expect(error?.code == .invalidRequest)
    }
}

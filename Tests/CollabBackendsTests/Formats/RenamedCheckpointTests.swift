import Collab
import Foundation
import Testing

@testable import CollabBackends

@Suite("Weights under the names of the other format are the same model")
struct RenamedCheckpointTests {
    private func check(
        _ checkpoint: some Checkpoint,
        _ sequence: String,
        _ expected: [[Float]]
    ) async throws {
        let tokens = try sequence == "long" ? TinyModels.sequences().long : TinyModels.sequences().short
        let model = try await TinyModels.model(checkpoint)
        let found = try await model.startDecoding(reading: tokens).logits.values
        let wanted = try #require(expected.last)
        for (ours, theirs) in zip(found, wanted) { #expect(abs(ours - theirs) < 2e-4) }
    }

    @Test("a GGUF file under transformers' names gives transformers' logits", arguments: TinyModels.files)
    func file(_ name: String) async throws {
        let file = try GGUFCheckpoint(path: TinyModels.path("gguf/\(name).gguf"))
        let renamed = try RenamedCheckpoint(file, as: .huggingFace)
        #expect(renamed.description(of: "model.layers.0.self_attn.o_proj.weight") != nil)
        try await check(renamed, "long", try TinyModels.expected(name, "long", inGGUF: true))
    }

    @Test("a folder under GGUF's names gives transformers' logits", arguments: TinyModels.folders)
    func folder(_ name: String) async throws {
        let renamed = try RenamedCheckpoint(try TinyModels.checkpoint(name), as: .gguf)
        #expect(renamed.description(of: "blk.0.attn_output.weight") != nil)
        try await check(renamed, "long", try TinyModels.expected(name, "long"))
    }

    @Test("there and back again, every stored byte is in its place", arguments: TinyModels.files)
    func roundTrip(_ name: String) throws {
        let file = try GGUFCheckpoint(path: TinyModels.path("gguf/\(name).gguf"))
        let back = try RenamedCheckpoint(try RenamedCheckpoint(file, as: .huggingFace), as: .gguf)
        #expect(Set(back.tensors.map(\.name)) == Set(file.tensors.map(\.name)))
        for tensor in file.tensors {
            // Norms that are stored as differences are rounded, and have no bytes to lend.
            let limit: Float = tensor.name.contains("norm") ? 1e-6 : 0
            for (a, b) in zip(try back.values(of: tensor.name), try file.values(of: tensor.name)) {
                #expect(abs(a - b) <= limit)
            }
            guard let moved = back.storage(of: tensor.name), let stored = file.storage(of: tensor.name) else {
                continue
            }
            #expect(moved.bytes.elementsEqual(stored.bytes))
        }
        let query =
            "blk.1." + (file.description(of: "blk.1.attn_q.weight") == nil ? "attn_qkv" : "attn_q")
            + ".weight"
        let part = try back.values(of: query, elements: 5..<77)
        #expect(try part == file.values(of: query, elements: 5..<77))
    }
}

@Suite("Models are saved as GGUF")
struct GGUFSavingTests {
    @Test("a folder with its tokenizer becomes a file that gives the folder's tokens and logits")
    func folder() async throws {
        let scratch = try TemporaryFolder()
        let (path, source) = (scratch.path("model.gguf"), TinyModels.path("llama"))
        try GGUFFile.save(try SafetensorsCheckpoint(path: source), to: path, as: .f32)
        let file = try GGUFFile(path: path)
        #expect(try file.metadata.string("general.architecture") == "llama")
        #expect(try file.metadata.integer("llama.attention.head_count_kv") == 2)
        #expect(file.tensor("rope_freqs.weight") != nil, "Llama 3's rotation is stored as divisors")
        let options = NativeOptions(threads: 1, precision: .float)
        let (ours, theirs) = (
            try await NativeModel(contentsOf: path, options: options),
            try await NativeModel(contentsOf: source, options: options)
        )
        let text = "abc acb"
        let tokens = try theirs.tokenizer.encode(text, parsingSpecialTokens: true)
        #expect(try ours.tokenizer.encode(text, parsingSpecialTokens: true) == tokens)
        #expect(ours.vocabulary.markers == theirs.vocabulary.markers)
        let sequence = try TinyModels.sequences().long
        let (left, right) = (
            try await ours.startDecoding(reading: sequence).logits.values,
            try await theirs.startDecoding(reading: sequence).logits.values
        )
        for (a, b) in zip(left, right) { #expect(abs(a - b) < 1e-4) }
    }

    @Test("a file's metadata and tokenizer are carried over byte by byte, its weights quantised anew")
    func requantised() async throws {
        let scratch = try TemporaryFolder()
        let (path, source) = (scratch.path("model.gguf"), TinyModels.path("gguf/qwen2.gguf"))
        let original = try GGUFCheckpoint(path: source)
        try GGUFFile.save(original, to: path, as: .q8_0)
        let saved = try GGUFCheckpoint(path: path)
        let (before, after) = (original.file.metadata, saved.file.metadata)
        for entry in before.entries where entry.key != "general.file_type" {
            #expect(after.type(of: entry.key) == entry.type)
        }
        #expect(try after.integer("general.file_type") == 7)
        for tensor in original.tensors {
            let found = try #require(saved.description(of: tensor.name))
            let values = try original.values(of: tensor.name)
            let largest = values.map { abs($0) }.max() ?? 0
            // Rows of 32 or 48 elements: 48 is no whole number of blocks of 32, so those stay in half precision.
            let isWhole = tensor.shape.count == 2 && tensor.shape[1] % 32 == 0
            #expect(found.format == (tensor.shape.count < 2 ? .f32 : isWhole ? .q8_0 : .f16))
            for (a, b) in zip(values, try saved.values(of: tensor.name)) {
                #expect(abs(a - b) <= largest / 127)
            }
        }
        // What is stored as it is to be is copied.
        let copy = scratch.path("copy.gguf")
        try GGUFFile.save(saved, to: copy, as: .q8_0)
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: copy)) == Data(contentsOf: URL(fileURLWithPath: path))
        )
    }

    @Test("what GGUF cannot say is refused before anything is written")
    func refusals() throws {
        let scratch = try TemporaryFolder()
        // LongRoPE is a formula that this writer has no keys for, and the folder has no tokenizer.
        let phi = try SafetensorsCheckpoint(path: TinyModels.path("phi3"))
        let error = #expect(throws: CollabError.self) {
            try GGUFFile.save(phi, to: scratch.path("a.gguf"), as: .f16)
        }
        #expect(error?.code == .unsupported)
        let bare = try SafetensorsCheckpoint(path: TinyModels.path("qwen3"))
        let other = #expect(throws: CollabError.self) {
            try GGUFFile.save(bare, to: scratch.path("b.gguf"), as: .f16)
        }
        #expect(other?.message.contains("tokenizer.json") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).isEmpty)
    }

    @Test("mixtures keep vectors exact and give outer matrices more bits")
    func mixtures() {
        func format(_ name: String, _ shape: [Int], _ kind: GGUFQuantisation) -> TensorFormat {
            kind.format(of: TensorDescription(name: name, shape: shape, format: .f32))
        }
        #expect(format("blk.0.ffn_up.weight", [8, 512], .q4_K) == .q4_K)
        #expect(format("blk.0.attn_norm.weight", [512], .q4_K) == .f32)
        #expect(format("token_embd.weight", [8, 512], .q4_K) == .q6_K)
        #expect(format("token_embd.weight", [8, 576], .q4_K) == .q8_0)
        #expect(format("blk.0.ffn_up.weight", [8, 576], .q4_K) == .q5_0)
        #expect(format("blk.0.ffn_up.weight", [8, 30], .q4_0) == .f16)
        #expect(format("blk.0.ffn_up.weight", [8, 512], .bf16) == .bf16)
        #expect(GGUFQuantisation(named: "Q4_k") == .q4_K && GGUFQuantisation(named: "q9") == nil)
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

/// The folder that `make test` puts the models into.
func modelPath(_ name: String) throws -> String {
    let environment = ProcessInfo.processInfo.environment
    let home = environment["HOME"] ?? NSHomeDirectory()
    #if os(macOS)
        let cache = home + "/Library/Caches"
    #else
        let cache = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home + "/.cache"
    #endif
    let path = (environment["COLLAB_MODELS"] ?? cache + "/collab/models") + "/" + name
    try #require(
        FileManager.default.fileExists(atPath: path),
        "\(path) is missing; `make models` fetches it, and `make test` does so before it runs the tests."
    )
    return path
}

@Suite("GGUF: the two real models")
struct GGUFRealFilesTests {
    @Test("SmolLM2's directory")
    func smolLM2() throws {
        let file = try GGUFFile(path: try modelPath("SmolLM2-135M-Instruct.Q4_1.gguf"))
        #expect(file.version == 3 && file.tensors.count == 272 && file.dataOffset == 1_785_664)
        #expect(try file.metadata.string("general.architecture") == "llama")
        let tokens = try #require(try file.metadata.strings("tokenizer.ggml.tokens"))
        #expect(tokens.count == 49_152 && tokens[0] == "<|endoftext|>")
        #expect(try file.metadata.integers("tokenizer.ggml.token_type")?.count == 49_152)
        #expect(file.tensor("token_embd.weight")?.shape == [49_152, 576])
    }

    @Test("Gemma's directory, in milliseconds although it has 262,144 tokens")
    func gemma() throws {
        let clock = ContinuousClock()
        let begin = clock.now
        let file = try GGUFFile(path: try modelPath("gemma-3-270m-q4_k_m.gguf"))
        // Ten times what it takes when optimised, for debug builds on a busy machine.
        #expect(clock.now - begin < .milliseconds(500))
        #expect(file.tensors.count == 236 && file.dataOffset == 6_525_120)
        #expect(try file.metadata.string("general.architecture") == "gemma3")
        let tokens = try #require(try file.metadata.strings("tokenizer.ggml.tokens"))
        #expect(tokens.count == 262_144 && tokens[2] == "<bos>")
        #expect(try file.metadata.floats("tokenizer.ggml.scores")?.count == 262_144)
        var total = 0
        tokens.forEachBytes { _, bytes in total += bytes.count }
        #expect(total == (0..<tokens.count).reduce(0) { $0 + tokens.byteCount(at: $1) })
    }
}

import Collab
import Foundation
import Testing

@testable import CollabBackends

/// Every architecture gives the logits of transformers in float32, however a text gets into the model.
@Suite struct ArchitectureTests {
    @Test("folders give transformers' logits", arguments: TinyModels.folders + TinyModels.variants)
    func folders(name: String) async throws {
        let model = try await TinyModels.model(try TinyModels.checkpoint(name))
        // Phi 3 rotates texts that may become long differently; see below for short ones.
        let sequences = name == "phi3" ? ["long"] : ["long", "short"]
        try await check(model, sequences) { try TinyModels.expected(name, $0) }
    }

    @Test("GGUF files give transformers' logits", arguments: TinyModels.files)
    func files(name: String) async throws {
        let model = try await TinyModels.model(
            try GGUFCheckpoint(path: TinyModels.path("gguf/\(name).gguf"))
        )
        let sequences = name == "phi3" ? ["long"] : ["long", "short"]
        try await check(model, sequences) { try TinyModels.expected(name, $0, inGGUF: true) }
    }

    @Test("a context within the first one rotates by LongRoPE's short factors")
    func shortContext() async throws {
        var options = TinyModels.options
        options.contextLength = 16
        let folder = try await TinyModels.model(try TinyModels.checkpoint("phi3"), options: options)
        try await check(folder, ["short"]) { try TinyModels.expected("phi3", $0) }
        let file = try GGUFCheckpoint(path: TinyModels.path("gguf/phi3.gguf"))
        try await check(try await TinyModels.model(file, options: options), ["short"]) {
            try TinyModels.expected("phi3", $0, inGGUF: true)
        }
    }

    @Test("settings in the form of earlier years mean the same")
    func earlierSettings() async throws {
        let scaling: JSONValue = [
            "type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16,
        ]
        let llama = try TinyModels.checkpoint("llama").setting([
            "rope_parameters": .none, "rope_theta": 10_000, "rope_scaling": scaling,
        ])
        try await check(try await TinyModels.model(llama)) { try TinyModels.expected("llama", $0) }

        let gemma = try TinyModels.checkpoint("gemma3").setting([
            "rope_parameters": .none, "layer_types": .none, "rope_theta": 1_000_000,
            "rope_local_base_freq": 10_000, "sliding_window_pattern": 6,
            "rope_scaling": ["rope_type": "linear", "factor": 8.0],
        ])
        try await check(try await TinyModels.model(gemma)) { try TinyModels.expected("gemma3", $0) }

        let qwen = try TinyModels.checkpoint("qwen2").setting([
            "rope_parameters": .none, "layer_types": .none, "rope_theta": 1_000_000.0,
        ])
        try await check(try await TinyModels.model(qwen)) { try TinyModels.expected("qwen2", $0) }

        let gemma2 = try TinyModels.checkpoint("gemma2").setting(["layer_types": .none])
        try await check(try await TinyModels.model(gemma2)) { try TinyModels.expected("gemma2", $0) }

        let smol = try TinyModels.checkpoint("smollm3").setting([
            "no_rope_layers": .none, "layer_types": .none, "rope_parameters": .none,
        ])
        try await check(try await TinyModels.model(smol)) { try TinyModels.expected("smollm3", $0) }
    }

    @Test("computed tensors give the same, fused ones too", arguments: ["llama", "gemma3", "phi3"])
    func computed(name: String) async throws {
        var checkpoint = try TinyModels.checkpoint(name)
        checkpoint.isComputed = true
        var options = TinyModels.options
        options.weightFormat = .float
        let model = try await TinyModels.model(checkpoint, options: options)
        #expect(model.engine.weights.layers[0].up.format == .f32)
        try await check(model, ["long"]) { try TinyModels.expected(name, $0) }
    }

    @Test("floats are quantised at load if asked", arguments: ["llama", "qwen3", "phi3"])
    func quantised(name: String) async throws {
        let checkpoint = try TinyModels.checkpoint(name)
        var options = TinyModels.options
        let stored = try await TinyModels.model(checkpoint, options: options).engine.weights
        options.weightFormat = .eightBit
        let model = try await TinyModels.model(checkpoint, options: options)
        #expect(stored.layers[0].query.format == (name == "llama" ? .f32 : .bf16))
        #expect(model.engine.weights.layers[0].query.format == .q8_0)
        #expect(model.engine.weights.layers[0].gate.format == .q8_0)
        #expect(model.engine.weights.byteCount < stored.byteCount)
        // 8 bits a weight are good for two digits of a logit.
        try await check(model, ["long"], tolerance: 0.06) { try TinyModels.expected(name, $0) }
    }

    /// Compares a model's logits, read at once, token by token, and beside another text.
    private func check(
        _ model: NativeModel,
        _ sequences: [String] = ["long", "short"],
        tolerance: Float = 2e-4,
        expected: (String) throws -> [[Float]]
    ) async throws {
        let known = try TinyModels.sequences()
        for sequence in sequences {
            let tokens = sequence == "long" ? known.long : known.short
            let other = sequence == "long" ? known.short : known.long.dropLast(10)
            let reference = try expected(sequence)
            let whole = try await model.makeDecoder().append(tokens, logits: .all)
            compare(whole, reference, tolerance, "\(sequence) at once")

            let decoder = try await model.makeDecoder()
            var single: [Logits] = []
            for token in tokens { single.append(try await decoder.append(token)) }
            compare(single, reference, tolerance, "\(sequence) token by token")

            let (first, second) = (try await model.makeDecoder(), try await model.makeDecoder())
            async let beside = second.append(Array(other), logits: .last)
            let together = try await first.append(tokens, logits: .all)
            _ = try await beside
            compare(together, reference, tolerance, "\(sequence) beside another")
        }
    }

    private func compare(_ logits: [Logits], _ expected: [[Float]], _ tolerance: Float, _ what: String) {
        #expect(logits.count == expected.count)
        let largest = expected.joined().map(abs).max() ?? 1
        for (position, (row, reference)) in zip(logits, expected).enumerated() {
            let worst = zip(row.values, reference).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= tolerance * largest, "\(what), position \(position)")
            if worst > tolerance * largest { return }
        }
    }
}

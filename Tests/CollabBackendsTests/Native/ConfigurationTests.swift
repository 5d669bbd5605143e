import Collab
import Foundation
import Testing

@testable import CollabBackends

/// Settings and tensors that the engine does not run are refused by name, before anything is allocated.
@Suite struct ConfigurationTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        var model: String
        var changes: [String: JSONValue?]
        var code: CollabError.Code
        /// What the message must name.
        var names: [String]

        init(_ model: String, _ changes: [String: JSONValue?], _ code: CollabError.Code, _ names: String...) {
            self.model = model
            self.changes = changes
            self.code = code
            self.names = names
        }

        var testDescription: String { "\(model): \(changes)" }
    }

    static let refusals = [
        // What is not known is named, with a list of what is.
        Refusal("llama", ["model_type": "mixtral"], .unsupported, "mixtral", "llama", "gemma3_text", "phi3"),
        Refusal("llama", ["hidden_act": "relu"], .unsupported, "relu", "silu"),
        Refusal("gemma2", ["hidden_activation": "gelu"], .unsupported, "gelu_pytorch_tanh"),
        Refusal("llama", ["mlp_bias": true], .unsupported, "mlp_bias"),
        Refusal(
            "llama",
            ["rope_parameters": ["rope_type": "dynamic", "factor": 2.0]],
            .unsupported,
            "dynamic",
            "yarn"
        ),
        Refusal("llama", ["quantization_config": ["quant_method": "bitnet"]], .unsupported, "bitnet"),
        Refusal("gemma3", ["use_bidirectional_attention": true], .unsupported, "use_bidirectional_attention"),
        Refusal(
            "qwen3",
            ["layer_types": ["full_attention", "chunked_attention"]],
            .unsupported,
            "chunked_attention"
        ),
        // What is missing is named.
        Refusal("llama", ["model_type": .none], .malformedFile, "model_type"),
        Refusal("llama", ["hidden_size": .none], .malformedFile, "hidden_size"),
        Refusal(
            "llama",
            ["rope_parameters": ["rope_type": "llama3"]],
            .malformedFile,
            "rope_parameters.low_freq_factor"
        ),
        Refusal(
            "phi3",
            ["rope_parameters": ["rope_type": "longrope", "partial_rotary_factor": 0.5]],
            .malformedFile,
            "long_factor"
        ),
        // What contradicts itself.
        Refusal("llama", ["num_attention_heads": 5], .malformedFile, "5 query heads"),
        Refusal(
            "llama",
            ["num_attention_heads": 6, "head_dim": .none],
            .malformedFile,
            "num_attention_heads"
        ),
        Refusal("mistral", ["num_key_value_heads": 3], .malformedFile, "3 key and value heads"),
        Refusal("qwen3", ["head_dim": 15], .malformedFile, "15"),
        Refusal("qwen3", ["head_dim": 2048], .malformedFile, "2048"),
        Refusal("qwen2", ["layer_types": ["full_attention"]], .malformedFile, "layer_types"),
        Refusal("smollm3", ["no_rope_layers": [1, 0]], .malformedFile, "no_rope_layers"),
        Refusal(
            "phi3",
            [
                "rope_parameters": [
                    "rope_type": "longrope", "partial_rotary_factor": 0.5, "long_factor": [1.0, 2.0],
                    "short_factor": [1.0, 2.0],
                ]
            ],
            .malformedFile,
            "long_factor"
        ),
        Refusal(
            "phi3",
            ["partial_rotary_factor": 2.0, "rope_parameters": .none],
            .malformedFile,
            "partial_rotary_factor"
        ),
        // What no model can have.
        Refusal("llama", ["hidden_size": 0], .malformedFile, "hidden_size"),
        Refusal("llama", ["vocab_size": 1_000_000_000], .malformedFile, "vocab_size"),
        Refusal("llama", ["num_hidden_layers": 100_000], .malformedFile, "100000 layers"),
        Refusal("llama", ["hidden_size": "wide"], .malformedFile, "hidden_size", "whole number"),
        Refusal("llama", ["rms_norm_eps": -1.0], .malformedFile, "rms_norm_eps"),
        Refusal("llama", ["rope_parameters": [1, 2]], .malformedFile, "rope_parameters", "object"),
        // What does not fit the tensors.
        Refusal("llama", ["intermediate_size": 64], .malformedFile, "mlp", "[48, 32]", "[64, 32]"),
        Refusal("llama", ["vocab_size": 81], .malformedFile, "model.embed_tokens.weight", "[81, 32]"),
        Refusal("llama", ["attention_bias": true], .malformedFile, "self_attn.q_proj.bias"),
        Refusal("llama-bias", ["attention_bias": false], .unsupported, "bias", "self_attn.q_proj.weight"),
        Refusal("llama", ["num_hidden_layers": 1], .unsupported, "model.layers.1."),
    ]

    @Test("contradictions, gaps and unknown variants are refused by name", arguments: refusals)
    func refuses(refusal: Refusal) throws {
        let checkpoint = try TinyModels.checkpoint(refusal.model).setting(refusal.changes)
        let error = #expect(throws: CollabError.self) {
            try TransformerConfiguration(describing: checkpoint).validate(against: checkpoint)
        }
        #expect(error?.code == refusal.code, "\(String(describing: error))")
        for name in refusal.names {
            #expect(error?.message.contains(name) == true, "\(String(describing: error))")
        }
    }

    @Test("plain weights are run, whatever is left in the configuration of how they were trained")
    func leftoverQuantisation() throws {
        let checkpoint = try TinyModels.checkpoint("llama")
            .setting(["quantization_config": ["quant_method": "bitsandbytes", "load_in_4bit": true]])
        try TransformerConfiguration(describing: checkpoint).validate(against: checkpoint)
    }

    @Test("tensors that are missing, unknown, or of another shape are named")
    func tensors() throws {
        var lacking = try TinyModels.checkpoint("phi3")
        lacking.removed = ["model.layers.1.self_attn.qkv_proj.weight"]
        var unknown = try TinyModels.checkpoint("phi3")
        unknown.added = [TensorDescription(name: "model.vision.weight", shape: [2], format: .f32)]
        var crooked = try TinyModels.checkpoint("phi3")
        crooked.added = [TensorDescription(name: "model.norm.weight", shape: [32, 1], format: .f32)]
        let cases: [(EditedCheckpoint, CollabError.Code, String)] = [
            (lacking, .malformedFile, "model.layers.1.self_attn.qkv_proj.weight"),
            (unknown, .unsupported, "model.layers.N.mlp.gate_up_proj.weight"),
            (unknown, .unsupported, "model.vision.weight"),
            (crooked, .malformedFile, "[32, 1]"),
        ]
        for (checkpoint, code, text) in cases {
            let configuration = try TransformerConfiguration(describing: checkpoint)
            let error = #expect(throws: CollabError.self) { try configuration.validate(against: checkpoint) }
            #expect(
                error?.code == code && error?.message.contains(text) == true,
                "\(String(describing: error))"
            )
        }
    }

    @Test("a GGUF file of another architecture is refused with a list of those that run")
    func unknownArchitecture() throws {
        let folder = try TemporaryFolder()
        let bytes = GGUFBuilder().key("general.architecture", .string("mamba")).build()
        try Data(bytes).write(to: folder.url.appendingPathComponent("model.gguf"))
        let checkpoint = try GGUFCheckpoint(path: folder.path("model.gguf"))
        let error = #expect(throws: CollabError.self) { try TransformerConfiguration(describing: checkpoint) }
        #expect(error?.code == .unsupported)
        for name in ["mamba", "llama", "qwen2", "qwen3", "gemma2", "gemma3", "smollm3", "phi3"] {
            #expect(error?.message.contains(name) == true)
        }
    }

    @Test("buffers of old files and the second copy of a tied matrix are left aside")
    func leftAside() throws {
        var checkpoint = try TinyModels.checkpoint("qwen2")
        checkpoint.added = [
            TensorDescription(name: "model.layers.0.self_attn.rotary_emb.inv_freq", shape: [4], format: .f32),
            TensorDescription(name: "lm_head.weight", shape: [80, 32], format: .bf16),
        ]
        let configuration = try TransformerConfiguration(describing: checkpoint)
        #expect(configuration.tiesOutput)
        try configuration.validate(against: checkpoint)
    }
}

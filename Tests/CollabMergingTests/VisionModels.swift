import Foundation

/// Models of a few small tensors in the layouts of models that see images.
enum VisionModels {
    /// As Gemma 3 has them: four layers for text and three for images.
    static let gemma =
        ["language_model.model.embed_tokens.weight"] + layers("language_model.model.layers.", 4)
        + ["language_model.model.norm.weight", "multi_modal_projector.mm_input_projection_weight"]
        + ["vision_tower.vision_model.embeddings.patch_embedding.weight"]
        + layers("vision_tower.vision_model.encoder.layers.", 3)
        + ["vision_tower.vision_model.post_layernorm.weight"]

    /// As Qwen3-VL has them: four layers for text and three for images.
    static let qwen =
        ["model.language_model.embed_tokens.weight"] + layers("model.language_model.layers.", 4)
        + ["model.language_model.norm.weight", "lm_head.weight", "model.visual.patch_embed.proj.weight"]
        + layers("model.visual.blocks.", 3)
        + ["model.visual.merger.norm.weight", "model.visual.deepstack_merger_list.0.norm.weight"]

    /// As T5 has them: three layers that read and two that write.
    static let encoderDecoder =
        ["shared.weight"] + layers("encoder.block.", 3) + ["encoder.final_layer_norm.weight"]
        + layers("decoder.block.", 2) + ["decoder.final_layer_norm.weight", "lm_head.weight"]

    static func layers(_ prefix: String, _ count: Int) -> [String] {
        (0..<count).map { "\(prefix)\($0).mlp.up_proj.weight" }
    }
}

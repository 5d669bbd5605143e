/// What a tensor is part of, as far as its name tells: the names are those that transformers gives its models.
enum ModelPart: String, Hashable {
    case text = "text_decoder"
    case vision = "vision_tower"
    /// What leads from the vision tower into the language model.
    case projector = "multi_modal_projector"
    case encoder, decoder
    /// The embeddings that an encoder and its decoder have together.
    case shared

    /// The part of that name in a configuration.
    init?(named name: String) {
        // Llama 4 calls it otherwise.
        self.init(rawValue: name == "vision_model" ? "vision_tower" : name)
    }

    /// The part of a tensor; `nil` for one of none of these, such as of a tower for sound.
    init?(tensor: String) {
        // What stands behind a layer's number is of that layer: experts for images are in the language model.
        let head = TensorPlace.stack(of: tensor) ?? tensor
        var path = head.split(separator: ".")
        let isVisual = path.contains { $0.contains("vision") || $0.contains("visual") }
        if path.contains(where: { Self.projectors.contains($0) })
            || isVisual && path.contains(where: { $0.contains("merger") })
        {
            self = .projector
        } else if isVisual {
            self = .vision
        } else if path.contains(where: { ["language_model", "text_model", "lm_head"].contains($0) }) {
            self = .text
        } else {
            if path.first == "model" { path.removeFirst() }
            switch path.first {
            case "encoder"?: self = .encoder
            case "decoder"?, "proj_out"?: self = .decoder
            case "shared"?: self = .shared
            case "layers"?, "embed_tokens"?, "norm"?: self = .text
            default: return nil
            }
        }
    }

    private static let projectors: Set<Substring> = [
        "multi_modal_projector", "multimodal_projector", "mm_projector", "connector",
    ]
}

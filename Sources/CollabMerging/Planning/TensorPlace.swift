/// Where in a model a tensor stands, read off its name.
///
/// The layer is the first number between dots: 3 in `model.layers.3.mlp.up_proj.weight` and in `blk.3.ffn_up.weight`. Layers
/// are counted, so a number that no model has as many layers as is a name like others.
enum TensorPlace: Hashable {
    /// Before the first layer: embeddings, of words or of patches of an image.
    case beforeLayers
    /// In a layer.
    case layer(Int)
    /// Behind the last layer: the final norm and the output matrix.
    case afterLayers

    private static let embeddings = [
        "embed_tokens", "embed_positions", "embeddings", "word_embeddings", "token_embd", "embed_in", "wte.",
        "wpe.",
        "embed_layer_norm",
        // What images and sound pass through before the first layer.
        "patch_embed", "patch_conv", "pos_embed", "position_embedding", "positional_embedding",
        "class_embedding", "cls_token", "ln_pre", "layernorm_pre", "pre_layrnorm", "encoder.conv",
    ]

    init(_ name: String) {
        if let layer = Self.layer(in: name) {
            self = .layer(layer.number)
        } else {
            self = Self.embeddings.contains { name.contains($0) } ? .beforeLayers : .afterLayers
        }
    }

    /// The name of the same tensor in another layer.
    static func renamed(_ name: String, toLayer number: Int) -> String {
        guard let layer = layer(in: name) else { return name }
        return name.replacing(layer.range, with: String(number))
    }

    /// What stands before the layer's number; `nil` outside of layers.
    static func stack(of name: String) -> String? {
        layer(in: name).map { String(name[..<$0.range.lowerBound]) }
    }

    private static let mostLayers = 100_000

    private static func layer(in name: String) -> (number: Int, range: Range<String.Index>)? {
        for part in name.split(separator: ".") {
            if part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(part),
                number < mostLayers
            {
                return (number, part.startIndex..<part.endIndex)
            }
        }
        return nil
    }
}

extension String {
    fileprivate func replacing(_ range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}

import Collab
import CollabBackends

/// The matrix that a language model's output comes from, and the embeddings that are it as well where the two are tied.
///
/// Architectures call them by different names: `lm_head.weight` and `model.embed_tokens.weight` (Llama),
/// `lm_head.weight` and `transformer.wte.weight` (GPT-2), `embed_out.weight` and `gpt_neox.embed_in.weight` (GPT-NeoX),
/// `output.weight` and `model.tok_embeddings.weight` (InternLM2).
enum OutputMatrix {
    private static let outputs = ["lm_head.weight", "embed_out.weight", "output.weight"]
    /// What may stand before an output's name, in models that do more than write.
    private static let prefixes = ["", "model.", "language_model.", "model.language_model.", "text_model."]
    private static let embeddings = [
        "embed_tokens.weight", "wte.weight", "embed_in.weight", "tok_embeddings.weight",
        "word_embeddings.weight",
    ]
    private static let names = Set(prefixes.flatMap { prefix in outputs.map { prefix + $0 } })

    /// Whether a tensor is an output matrix.
    static func isOutput(_ name: String) -> Bool { names.contains(name) }

    /// The embeddings that are the output matrix in a model that has none of its own.
    ///
    /// Throws ``Collab/CollabError`` with `tensorMismatch` where the model's configuration says that the two are not tied,
    /// and where there are no embeddings of a known name, or several.
    static func tied(to output: String, in checkpoint: any Checkpoint) throws(CollabError) -> String {
        let missing = "\(checkpoint.name) has no “\(output)”, which others here have"
        if let configuration = (checkpoint.specification as? HuggingFaceSpecification)?.configuration,
            (configuration["tie_word_embeddings"] ?? configuration["text_config"]?["tie_word_embeddings"])
                == false
        {
            throw CollabError(
                .tensorMismatch,
                "\(missing), and its config.json says that its embeddings are not tied to it: the model lacks its output."
            )
        }
        var found = checkpoint.tensors.map(\.name).filter { name in
            TensorPlace(name) == .beforeLayers
                && embeddings.contains { name == $0 || name.hasSuffix("." + $0) }
                && ![.vision, .projector].contains(ModelPart(tensor: name))
        }
        // Of an encoder–decoder the decoder writes.
        if found.count > 1 { found = found.filter { ModelPart(tensor: $0) == .decoder } }
        guard found.count == 1 else {
            throw CollabError(
                .tensorMismatch,
                "\(missing), and it is not known which embeddings stand in for it; known are "
                    + "\(embeddings.joined(separator: ", ")), one of them in a model."
            )
        }
        return found[0]
    }
}

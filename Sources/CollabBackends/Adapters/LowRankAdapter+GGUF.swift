import Collab

extension LowRankAdapter {
    /// Reads an adapter in GGUF, as llama.cpp's `convert_lora_to_gguf.py` writes it: `general.type` is `adapter`,
    /// `adapter.type` is `lora`, and a matrix NAME has factors NAME`.lora_a` and NAME`.lora_b`.
    ///
    /// s is `adapter.lora.alpha` / rank, or 1 where alpha is 0.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput` or `malformedFile` for the file, `unsupported`
    /// for another kind of file or adapter, `tensorMismatch` for a factor without its other half, and `notFinite`.
    static func read(gguf path: String, name: String?) throws(CollabError) -> LowRankAdapter {
        let file = try GGUFFile(path: path)
        let kind = try file.metadata.string("general.type") ?? "model"
        guard kind == "adapter" else {
            throw CollabError(.unsupported, "\(path) is of the type “\(kind)”, not an adapter.")
        }
        let type = try file.metadata.string("adapter.type") ?? "nothing"
        guard type == "lora" else {
            throw CollabError(.unsupported, "\(path): adapters of the type lora are read, not \(type).")
        }
        guard let alpha = try file.metadata.number("adapter.lora.alpha") else {
            throw file.metadata.missing("adapter.lora.alpha")
        }
        guard alpha.isFinite else {
            throw CollabError(.notFinite, "\(path): “adapter.lora.alpha” is \(alpha).")
        }
        let checkpoint = try GGUFCheckpoint(file, name: name)
        var modules: [Module] = []
        for tensor in checkpoint.tensors {
            let endings = [".weight.lora_a", ".weight.lora_b"]
            guard let ending = endings.first(where: tensor.name.hasSuffix) else {
                throw CollabError(
                    .unsupported,
                    "\(path): what “\(tensor.name)” is for is not known here; matrices are changed by factors "
                        + "“NAME\(endings[0])” and “NAME\(endings[1])”."
                )
            }
            let module = String(tensor.name.dropLast(ending.count))
            guard module != "token_embd" else {
                throw CollabError(.unsupported, "\(path) changes embeddings, which is not read here.")
            }
            let other = module + (ending == endings[0] ? endings[1] : endings[0])
            guard let partner = checkpoint.description(of: other) else {
                throw CollabError(.tensorMismatch, "\(path) has one half of the change of “\(module)” only.")
            }
            guard ending == endings[0] else { continue }
            guard tensor.shape.count == 2, partner.shape.count == 2, tensor.shape[0] == partner.shape[1],
                tensor.shape[0] > 0
            else {
                throw CollabError(
                    .tensorMismatch,
                    "\(path): factors of the shapes \(tensor.shape) and \(partner.shape) do not make a change of "
                        + "“\(module)”."
                )
            }
            modules.append(
                try Module(
                    path: module,
                    rank: tensor.shape[0],
                    scale: alpha == 0 ? 1 : Float(alpha / Double(tensor.shape[0])),
                    a: try checkpoint.values(of: tensor.name),
                    b: try checkpoint.values(of: partner.name)
                )
            )
        }
        guard !modules.isEmpty else {
            throw CollabError(.malformedFile, "\(path) has no tensors of an adapter.")
        }
        return try LowRankAdapter(checkpoint.name, modules: modules, naming: .gguf)
    }
}

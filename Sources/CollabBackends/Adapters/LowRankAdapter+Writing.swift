public import Collab

extension LowRankAdapter {
    /// Writes the adapter as PEFT does: a folder with `adapter_config.json` and `adapter_model.safetensors`.
    ///
    /// - Parameters:
    ///   - folder: the folder; it is made if it is not there.
    ///   - base: the model that the adapter belongs to, for `base_model_name_or_path`.
    ///   - format: how the numbers are stored: F32, F16 or BF16.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for an adapter in GGUF's names or a quantised format,
    /// `invalidRequest` for one that changes nothing, which nobody could read, and `inputOutput` if the files cannot be
    /// written.
    public func write(
        to folder: String,
        base: String? = nil,
        format: TensorFormat = .f32
    ) throws(CollabError) {
        guard naming == .huggingFace else {
            throw CollabError(
                .unsupported,
                "\(name) has GGUF's names and order of rows; PEFT knows adapters in Hugging Face's layout."
            )
        }
        guard !modules.isEmpty || !replacements.isEmpty else {
            throw CollabError(
                .invalidRequest,
                "\(name) changes nothing: it has no module, as of adapters that all have the weight 0. There is nothing to write."
            )
        }
        try makeFolder(folder)
        let prefix = "base_model.model."
        var tensors: [(description: TensorDescription, values: [Float])] = []
        func add(_ name: String, _ shape: [Int], _ values: [Float]) {
            tensors.append((TensorDescription(name: prefix + name, shape: shape, format: format), values))
        }
        for module in modules {
            let (rows, columns, rank) = (module.shape[0], module.shape[1], module.rank)
            if module.isEmbedding {
                // PEFT changes an embedding by (B A)ᵀ = Aᵀ Bᵀ, so that each factor is the other one turned.
                add(module.path + ".lora_embedding_A", [rank, rows], transposed(module.b, rows: rows))
                add(module.path + ".lora_embedding_B", [columns, rank], transposed(module.a, rows: rank))
            } else {
                add(module.path + ".lora_A.weight", [rank, columns], module.a)
                add(module.path + ".lora_B.weight", [rows, rank], module.b)
            }
            if let magnitudes = module.magnitudes {
                add(module.path + ".lora_magnitude_vector", [module.shape[0]], magnitudes)
            }
        }
        for tensor in replacements { add(tensor.name, tensor.shape, tensor.values) }
        let writer = try SafetensorsWriter(
            path: folder + "/adapter_model.safetensors",
            tensors: tensors.map(\.description),
            metadata: ["format": "pt"]
        )
        for tensor in tensors { try writer.append(tensor.values, to: tensor.description.name) }
        try writer.finish()
        let text = Array((configuration(base).description + "\n").utf8)
        let file = try AtomicFile(path: folder + "/adapter_config.json")
        try text.withUnsafeBufferPointer { (bytes) throws(CollabError) in
            try file.write(UnsafeRawBufferPointer(bytes), at: 0)
        }
        try file.finish()
    }

    /// What PEFT has to know of the tensors.
    private func configuration(_ base: String?) -> JSONValue {
        let common = modules.first.map { (rank: $0.rank, alpha: alpha(of: $0)) } ?? (rank: 1, alpha: 1)
        var (ranks, alphas) = (JSONObject(), JSONObject())
        for module in modules {
            if module.rank != common.rank { ranks[module.path] = JSONValue(module.rank) }
            if alpha(of: module) != common.alpha { alphas[module.path] = JSONValue(alpha(of: module)) }
        }
        let saved = Set(replacements.map { lastModule(of: $0.name) }).sorted()
        return [
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base.map { JSONValue($0) } ?? .null,
            "r": JSONValue(common.rank),
            "lora_alpha": JSONValue(common.alpha),
            "target_modules": .array(modules.map { JSONValue($0.path) }),
            "rank_pattern": .object(ranks),
            "alpha_pattern": .object(alphas),
            "modules_to_save": saved.isEmpty ? .null : .array(saved.map { JSONValue($0) }),
            "lora_dropout": 0.0,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "use_rslora": false,
            "use_dora": JSONValue(modules.contains { $0.magnitudes != nil }),
        ]
    }

    private func alpha(of module: Module) -> Double { Double(module.scale) * Double(module.rank) }

    private func transposed(_ values: [Float], rows: Int) -> [Float] {
        let columns = values.count / rows
        return values.indices.map { values[$0 % rows * columns + $0 / rows] }
    }

    private func lastModule(of tensor: String) -> String {
        let parts = tensor.split(separator: ".")
        return String(parts.dropLast().last ?? parts.last ?? "")
    }
}

extension LowRankAdapter.Module {
    /// Whether the matrix is an embedding, which PEFT has factors of other names and shapes for.
    ///
    /// Told by its name: a matrix that is looked up looks as one that is multiplied by.
    var isEmbedding: Bool {
        let name = path.split(separator: ".").last.map { String($0) } ?? path
        return Self.embeddings.contains(name)
    }

    /// What architectures call their embeddings.
    private static let embeddings: Set<String> = [
        "embed_tokens", "embed_in", "embed_positions", "embeddings", "position_embeddings",
        "shared", "token_type_embeddings", "tok_embeddings", "word_embeddings", "wpe", "wte",
    ]
}

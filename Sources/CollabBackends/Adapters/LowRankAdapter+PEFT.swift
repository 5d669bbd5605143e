public import Collab

extension LowRankAdapter {
    /// Reads an adapter: a folder as PEFT saves it, with `adapter_config.json` and `adapter_model.safetensors`, or a
    /// GGUF file as llama.cpp's `convert_lora_to_gguf.py` makes of one.
    ///
    /// LoRA, rsLoRA, DoRA, patterns of ranks and alphas, embeddings and `modules_to_save` are read; variants whose
    /// extra tensors would be ignored (biases and the like) are refused. GGUF files hold LoRA of matrices alone.
    ///
    /// - Parameters:
    ///   - path: the folder or file.
    ///   - name: what to call the adapter; the folder's or file's name if `nil`.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound` or `malformedFile` for the files, `unsupported` for a kind of
    /// adapter that is not read here, `tensorMismatch` for a factor without its other half, and `notFinite`.
    public init(contentsOf path: String, name: String? = nil) throws(CollabError) {
        if path.hasSuffix(".gguf") {
            self = try Self.read(gguf: path, name: name)
            return
        }
        let folder = try ModelFolder(path: path)
        let configuration = try PEFTConfiguration(
            try JSONValue(parsing: try folder.map("adapter_config.json")),
            source: path + "/adapter_config.json"
        )
        guard folder.contains("adapter_model.safetensors") else {
            throw CollabError(
                folder.contains("adapter_model.bin") ? .unsupported : .fileNotFound,
                "\(path) has no adapter_model.safetensors"
                    + (folder.contains("adapter_model.bin")
                        ? "; adapter_model.bin is a pickle, which can run code of its author: convert it."
                        : ".")
            )
        }
        let file = try SafetensorsFile(try folder.map("adapter_model.safetensors"))
        let weights = try SafetensorsCheckpoint(path: file.path, name: name ?? lastComponent(of: path))
        var parts = PEFTParts()
        for tensor in weights.tensors { try parts.sort(tensor, source: file.path) }
        var modules: [Module] = []
        for path in parts.order {
            modules.append(try parts.module(path, weights, configuration))
        }
        var replacements: [MemoryCheckpoint.Tensor] = []
        for (name, tensor) in parts.replacements {
            replacements.append(
                MemoryCheckpoint.Tensor(
                    name,
                    shape: tensor.shape,
                    values: try weights.values(of: tensor.name)
                )
            )
        }
        guard !modules.isEmpty || !replacements.isEmpty else {
            throw CollabError(.malformedFile, "\(file.path) has no tensors of an adapter.")
        }
        try self.init(weights.name, modules: modules, replacements: replacements)
    }
}

/// What `adapter_config.json` says that matters for the arithmetic.
private struct PEFTConfiguration {
    let alpha: Double
    let alphaPattern: [(key: String, alpha: Double)]
    let usesRootOfRank: Bool
    let usesMagnitudes: Bool
    /// Whether matrices are stored with rows and columns exchanged.
    let isTransposed: Bool

    init(_ json: JSONValue, source: String) throws(CollabError) {
        func refuse(_ what: String) -> CollabError {
            CollabError(.unsupported, "\(source): \(what)")
        }
        guard json.objectValue != nil else { throw CollabError(.malformedFile, "\(source) holds no object.") }
        let kind = json["peft_type"]?.stringValue ?? "nothing"
        guard kind == "LORA" else { throw refuse("adapters of the kind LORA are read, not \(kind).") }
        if let bias = json["bias"]?.stringValue, bias != "none" {
            throw refuse("it trains biases (“\(bias)”).")
        }
        for key in [
            "lora_bias", "use_qalora", "alora_invocation_tokens", "layer_replication", "target_parameters",
        ] {
            guard let value = json[key], !value.isNull, value != false, value.arrayValue?.isEmpty != true
            else { continue }
            throw refuse("“\(key)” is not read here.")
        }
        guard let alpha = json["lora_alpha"]?.doubleValue, alpha.isFinite else {
            throw CollabError(.malformedFile, "\(source) has no number “lora_alpha”.")
        }
        self.alpha = alpha
        usesRootOfRank = json["use_rslora"]?.boolValue ?? false
        usesMagnitudes = json["use_dora"]?.boolValue ?? false
        isTransposed = json["fan_in_fan_out"]?.boolValue ?? false
        if usesMagnitudes, isTransposed {
            throw refuse("DoRA over exchanged rows and columns is not read here.")
        }
        var pattern: [(key: String, alpha: Double)] = []
        for member in json["alpha_pattern"]?.objectValue ?? [:] {
            guard let value = member.value.doubleValue, value.isFinite else {
                throw CollabError(
                    .malformedFile,
                    "\(source): “alpha_pattern” has no number for “\(member.key)”."
                )
            }
            guard member.key.utf8.allSatisfy({ !"^$*+?()[]{}|\\".utf8.contains($0) }) else {
                throw refuse(
                    "“alpha_pattern” has a regular expression, “\(member.key)”; plain names are read."
                )
            }
            pattern.append((member.key, value))
        }
        alphaPattern = pattern
    }

    /// s of a module.
    func scale(_ path: String, rank: Int) -> Float {
        let own = alphaPattern.first { path == $0.key || path.hasSuffix("." + $0.key) }?.alpha ?? alpha
        return Float(own / (usesRootOfRank ? Double(rank).squareRoot() : Double(rank)))
    }
}

/// The tensors of an adapter's file, sorted by module.
private struct PEFTParts {
    struct Factors {
        var a: TensorDescription?
        var b: TensorDescription?
        var magnitudes: TensorDescription?
        var isEmbedding = false
    }

    /// The modules in the order of the file.
    var order: [String] = []
    private var factors: [String: Factors] = [:]
    var replacements: [(name: String, tensor: TensorDescription)] = []

    mutating func sort(_ tensor: TensorDescription, source: String) throws(CollabError) {
        let prefix = "base_model.model."
        guard tensor.name.hasPrefix(prefix) else {
            throw CollabError(.unsupported, "\(source): “\(tensor.name)” is no name of an adapter's tensor.")
        }
        let name = String(tensor.name.dropFirst(prefix.count))
        let endings: [(String, WritableKeyPath<Factors, TensorDescription?>, Bool)] = [
            (".lora_A.weight", \.a, false), (".lora_B.weight", \.b, false),
            (".lora_embedding_A", \.a, true), (".lora_embedding_B", \.b, true),
            (".lora_magnitude_vector", \.magnitudes, false),
            (".lora_magnitude_vector.weight", \.magnitudes, false),
        ]
        for (ending, part, isEmbedding) in endings where name.hasSuffix(ending) {
            let path = String(name.dropLast(ending.count))
            if factors[path] == nil { order.append(path) }
            factors[path, default: Factors()][keyPath: part] = tensor
            if isEmbedding { factors[path]?.isEmbedding = true }
            return
        }
        guard !name.contains("lora_") else {
            throw CollabError(.unsupported, "\(source): what “\(tensor.name)” is for is not known here.")
        }
        replacements.append((name, tensor))
    }

    func module(
        _ path: String,
        _ weights: SafetensorsCheckpoint,
        _ configuration: PEFTConfiguration
    ) throws(CollabError) -> LowRankAdapter.Module {
        let parts = factors[path] ?? Factors()
        guard let a = parts.a, let b = parts.b else {
            throw CollabError(
                .tensorMismatch,
                "\(weights.name) has one half of the change of “\(path)” only."
            )
        }
        guard a.shape.count == 2, b.shape.count == 2, a.shape[0] == b.shape[1], a.shape[0] > 0 else {
            throw CollabError(
                .tensorMismatch,
                "\(weights.name): factors of the shapes \(a.shape) and \(b.shape) do not make a change of “\(path)”."
            )
        }
        if configuration.usesMagnitudes, parts.magnitudes == nil {
            throw CollabError(.tensorMismatch, "\(weights.name) has no magnitudes for “\(path)”.")
        }
        let rank = a.shape[0]
        var (first, second) = (try weights.values(of: a.name), try weights.values(of: b.name))
        if parts.isEmbedding != configuration.isTransposed || parts.isEmbedding && configuration.isTransposed
        {
            // (B A)ᵀ = Aᵀ Bᵀ.
            (first, second) = (
                Self.transposed(second, rows: b.shape[0]), Self.transposed(first, rows: rank)
            )
        }
        var magnitudes: [Float]?
        if let tensor = parts.magnitudes { magnitudes = try weights.values(of: tensor.name) }
        return try LowRankAdapter.Module(
            path: path,
            rank: rank,
            scale: configuration.scale(path, rank: rank),
            a: first,
            b: second,
            magnitudes: magnitudes
        )
    }

    private static func transposed(_ values: [Float], rows: Int) -> [Float] {
        let columns = values.count / rows
        return values.indices.map { values[$0 % rows * columns + $0 / rows] }
    }
}

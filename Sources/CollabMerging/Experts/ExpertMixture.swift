public import Collab
import CollabBackends

/// A mixture of experts made of dense models: in every layer the experts' feed-forward blocks stand side by side, and a
/// router chooses among them for each token.
///
/// The layout is Mixtral's (A. Jiang et al., *Mixtral of Experts*, 2024), which transformers and llama.cpp run: attention,
/// norms and embeddings are the base's, or the mean of the experts' as in Branch-Train-MiX (S. Sukhbaatar et al., 2024),
/// and the weights of the chosen experts' outputs are a softmax over the router's scores. A mixture of one model with itself
/// computes what the model computes, whatever the router says.
///
/// Without training the router's rows are what is known of the experts' inputs: see ``ExpertRouter``. The native engine
/// does not run mixtures.
public struct ExpertMixture: Checkpoint {
    /// What to call it.
    public let name: String
    /// The tensors under Mixtral's names.
    public let tensors: [TensorDescription]
    /// The base's configuration as a mixture's.
    public let specification: any ModelSpecification
    private let places: [String: Place]

    /// Where a tensor comes from.
    private enum Place: Sendable {
        case stored(any Checkpoint, String)
        case router([Float])
    }

    /// Makes a mixture.
    ///
    /// - Parameters:
    ///   - base: a folder's Llama or Mistral, whose attention, norms and embeddings are taken.
    ///   - experts: models of its architecture and size.
    ///   - router: how experts are chosen.
    ///   - expertsPerToken: how many of them compute each token.
    ///   - sharesMean: whether attention, norms and embeddings are the mean of the experts' rather than the base's.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for fewer than two experts, more experts a token than there are,
    /// or a router of another size; `unsupported` for another architecture; `tensorMismatch` for experts that do not fit.
    public init(
        base: any Checkpoint,
        experts: [any Checkpoint],
        router: ExpertRouter,
        expertsPerToken: Int = 2,
        sharingMean sharesMean: Bool = false
    ) throws(CollabError) {
        guard experts.count > 1, (1...experts.count).contains(expertsPerToken) else {
            throw CollabError(
                .invalidRequest,
                "A mixture has two experts or more, of which 1 to all compute a token; here are \(experts.count), "
                    + "\(expertsPerToken) a token."
            )
        }
        guard let written = base.specification as? HuggingFaceSpecification,
            ["llama", "mistral"].contains(written.architecture),
            let object = written.configuration.objectValue
        else {
            throw CollabError(
                .unsupported,
                "\(base.name) is no folder of a Llama or Mistral, which is what Mixtral's mixtures are made of."
            )
        }
        let shared: any Checkpoint =
            sharesMean ? MergedCheckpoint("mean", .linear(), members: experts) : base
        try MergedCheckpoint(nil, .linear(), members: [base] + experts).validate()
        var tensors: [TensorDescription] = []
        var places: [String: Place] = [:]
        func add(_ tensor: TensorDescription, _ place: Place) {
            tensors.append(tensor)
            places[tensor.name] = place
        }
        var layers = 0
        for tensor in base.tensors {
            guard let part = Self.part(of: tensor.name) else {
                guard !tensor.name.hasSuffix(".bias") else {
                    throw CollabError(
                        .unsupported,
                        "“\(tensor.name)” of \(base.name) has no place in Mixtral's layout."
                    )
                }
                add(tensor, .stored(shared, tensor.name))
                continue
            }
            for (index, expert) in experts.enumerated() {
                var renamed = tensor
                renamed.name = "\(part.layer)block_sparse_moe.experts.\(index).\(part.name)"
                add(renamed, .stored(expert, tensor.name))
            }
            guard part.name == "w1" + ".weight" else { continue }
            let (width, format) = (tensor.shape[1], tensor.format)
            guard let rows = router.rows(layer: layers, experts: experts.count, width: width) else {
                throw CollabError(
                    .invalidRequest,
                    "The router has no \(experts.count) rows of \(width) numbers for layer \(layers)."
                )
            }
            let name = "\(part.layer)block_sparse_moe.gate.weight"
            add(TensorDescription(name: name, shape: [experts.count, width], format: format), .router(rows))
            layers += 1
        }
        name = "mixture of " + experts.map(\.name).joined(separator: ", ")
        self.tensors = tensors
        self.places = places
        specification = HuggingFaceSpecification(
            configuration: .object(Self.configuration(object, experts.count, expertsPerToken)),
            folder: written.folder
        )
    }

    /// The layer's prefix and Mixtral's name of a feed-forward matrix.
    private static func part(of name: String) -> (layer: String, name: String)? {
        for (dense, sparse) in [("gate", "w1"), ("down", "w2"), ("up", "w3")] {
            let ending = "mlp.\(dense)_proj.weight"
            if name.hasSuffix(ending) { return (String(name.dropLast(ending.count)), sparse + ".weight") }
        }
        return nil
    }

    private static func configuration(_ dense: JSONObject, _ experts: Int, _ each: Int) -> JSONObject {
        var object = dense
        // The last is left over where it is: quantised weights are not read.
        for key in ["pretraining_tp", "mlp_bias", "attention_bias", "quantization_config"] {
            object[key] = nil
        }
        object["model_type"] = "mixtral"
        object["architectures"] = ["MixtralForCausalLM"]
        object["num_local_experts"] = JSONValue(experts)
        object["num_experts_per_tok"] = JSONValue(each)
        object["output_router_logits"] = false
        if object["sliding_window"] == nil { object["sliding_window"] = .null }
        return object
    }

    /// The stored form, for all but the router.
    public func storage(of tensor: String) -> TensorStorage? {
        guard case .stored(let source, let original)? = places[tensor] else { return nil }
        return source.storage(of: original)
    }

    /// Reads a range of a tensor's elements.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        switch places[tensor] {
        case .stored(let source, let original)?: try source.read(original, elements: elements, into: buffer)
        case .router(let rows)?
        where rows.indices.contains(elements.lowerBound) && elements.upperBound <= rows.count:
            _ = buffer.update(fromContentsOf: rows[elements])
        default:
            throw CollabError(.tensorMismatch, "\(name) has no tensor called “\(tensor)” with \(elements).")
        }
    }
}

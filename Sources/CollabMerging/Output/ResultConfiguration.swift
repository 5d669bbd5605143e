import Collab
import CollabBackends

/// What the result of a merge says about itself: its donor's configuration with the result's sizes.
struct ResultConfiguration {
    /// The specification of the result.
    let specification: any ModelSpecification
    /// The contents of `config.json`; `nil` where the donor has none.
    let json: JSONValue?

    init(of plan: MergePlan) throws(CollabError) {
        guard let donor = plan.donor.specification as? HuggingFaceSpecification,
            let object = donor.configuration.objectValue, !object.isEmpty
        else {
            specification = plan.donor.specification
            json = nil
            return
        }
        let json = JSONValue.object(Self.adapted(object, to: plan))
        self.json = json
        specification = HuggingFaceSpecification(configuration: json, folder: donor.folder)
    }

    private static func adapted(_ donor: JSONObject, to plan: MergePlan) -> JSONObject {
        var object = donor
        for key in ["num_hidden_layers", "n_layer", "num_layers"] where object[key] != nil {
            object[key] = JSONValue(plan.layerCount)
        }
        if let kinds = object["layer_types"]?.arrayValue, !kinds.isEmpty {
            object["layer_types"] = .array(plan.layerOrigins.map { kinds[min($0, kinds.count - 1)] })
        }
        if let embeddings = plan.tensors.first(where: { $0.name.hasSuffix("embed_tokens.weight") }),
            object["vocab_size"] != nil
        {
            object["vocab_size"] = JSONValue(embeddings.shape.first ?? 0)
        }
        let formats = Set(plan.tensors.map(\.format))
        let name = formats == [.bf16] ? "bfloat16" : formats == [.f16] ? "float16" : "float32"
        object[object["dtype"] != nil ? "dtype" : "torch_dtype"] = JSONValue(name)
        if plan.tensors.contains(where: { $0.name == "lm_head.weight" }), object["tie_word_embeddings"] != nil
        {
            object["tie_word_embeddings"] = false
        }
        return object
    }
}

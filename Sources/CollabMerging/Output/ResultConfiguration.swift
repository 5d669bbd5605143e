import Collab
import CollabBackends

/// What the result of a merge says about itself: its donor's configuration with the result's sizes.
struct ResultConfiguration {
    /// The specification of the result.
    let specification: any ModelSpecification
    /// The contents of `config.json`; `nil` where the donor has none.
    let json: JSONValue?

    /// Throws ``Collab/CollabError`` with `unsupported` where a list of layers' numbers has no meaning in the result.
    init(of plan: MergePlan) throws(CollabError) {
        guard let donor = plan.donor.specification as? HuggingFaceSpecification,
            let object = donor.configuration.objectValue, !object.isEmpty
        else {
            specification = plan.donor.specification
            json = nil
            return
        }
        let json = JSONValue.object(try Self.adapted(object, to: plan))
        self.json = json
        specification = HuggingFaceSpecification(configuration: json, folder: donor.folder)
    }

    /// What configurations say quantised weights under, which the models that are merged here have none of.
    private static let quantisationKey = "quantization_config"

    /// Whether a configuration says that its weights are quantised.
    static func claimsQuantisation(_ configuration: JSONValue) -> Bool {
        let parts: [JSONValue?] = [configuration, configuration["text_config"]]
        return parts.contains { part in
            guard let claim = part?[quantisationKey] else { return false }
            return !claim.isNull
        }
    }

    private static func adapted(_ donor: JSONObject, to plan: MergePlan) throws(CollabError) -> JSONObject {
        var object = donor
        // Left over from a fine-tuning, and true of nothing that is written here.
        object[quantisationKey] = nil
        // Without modules, or with one, layers are the whole model's.
        if plan.modules.count > 1 {
            try setLayers(&object, of: plan.modules)
        }
        try resize(&object, to: plan)
        // Models with a tower for images describe the language model in a part of its own.
        if var text = object["text_config"]?.objectValue {
            text[quantisationKey] = nil
            try resize(&text, to: plan)
            object["text_config"] = .object(text)
        }
        let formats = Set(plan.tensors.map(\.format))
        let name = formats == [.bf16] ? "bfloat16" : formats == [.f16] ? "float16" : "float32"
        object[object["dtype"] != nil ? "dtype" : "torch_dtype"] = JSONValue(name)
        return object
    }

    /// Lists that have nothing to do with layers, even if there are as many.
    private static let unlayered: Set = [
        "architectures", "bos_token_id", "eos_token_id", "pad_token_id", "keys_to_ignore_at_inference",
    ]

    private static func resize(_ object: inout JSONObject, to plan: MergePlan) throws(CollabError) {
        // Of several stacks it is not known whose layers the numbers count; they are as they were.
        if plan.modules.count == 1, LayerStacks(plan.tensors).prefixes.count <= 1,
            !countsFewer(object, than: plan)
        {
            try setLayers(&object, plan.layerOrigins, layerKeys)
        }
        if let embeddings = plan.tensors.first(where: { $0.name.hasSuffix("embed_tokens.weight") }),
            object["vocab_size"] != nil
        {
            object["vocab_size"] = JSONValue(embeddings.shape.first ?? 0)
        }
        // Some architectures tie where nothing is said.
        if plan.tensors.contains(where: { OutputMatrix.isOutput($0.name) }) {
            object["tie_word_embeddings"] = false
        }
    }

    static let layerKeys = ["num_hidden_layers", "n_layer", "num_layers"]

    /// Whether the result has all layers of the donor where they were, and the donor's own configuration counts fewer:
    /// layers that predict tokens further on (DeepSeek V3, GLM 4.5) stand behind the others and are not counted.
    private static func countsFewer(_ object: JSONObject, than plan: MergePlan) -> Bool {
        let layers = plan.layerCount
        // A stack of models of several depths may have more layers than the donor, too, but these are not the donor's.
        guard plan.layerOrigins == Array(0..<layers), LayerStacks(plan.donor.tensors).layerCount >= layers,
            let count = layerKeys.lazy.compactMap({ object[$0]?.intValue }).first
        else { return false }
        return layers > count
    }

    /// Sets the number of layers, puts what is listed layer by layer in the result's order, and gives the layers that are
    /// listed by number the numbers that they have in the result.
    static func setLayers(
        _ object: inout JSONObject,
        _ origins: [Int],
        _ known: [String]
    ) throws(CollabError) {
        let keys = known.filter { object[$0] != nil }
        let count = keys.first.flatMap { object[$0]?.intValue }
        for key in keys { object[key] = JSONValue(origins.count) }
        let isMoved = count.map { origins.count != $0 || origins != Array(origins.indices) } ?? false
        if isMoved, let count { try LayerNumbers(origins, of: count).renumber(&object) }
        var lists: [(key: String, items: [JSONValue])] = []
        for member in object {
            guard let items = member.value.arrayValue, !items.isEmpty,
                !LayerNumbers.keys.contains(member.key),
                member.key == "layer_types"
                    || isMoved && items.count == count && !unlayered.contains(member.key)
            else { continue }
            lists.append((member.key, items))
        }
        for (key, items) in lists {
            object[key] = .array(origins.map { items[min($0, items.count - 1)] })
        }
    }
}

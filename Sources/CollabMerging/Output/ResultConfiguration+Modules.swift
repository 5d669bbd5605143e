import Collab
import CollabBackends

extension ResultConfiguration {
    /// Sets the numbers of layers of the modules that have other layers than the donor.
    static func setLayers(_ object: inout JSONObject, of modules: [ModuleLayers]) throws(CollabError) {
        // T5 says nothing of a decoder that is as deep as the encoder.
        if let count = object["num_layers"], object["num_decoder_layers"] == nil,
            modules.contains(where: { $0.part == .decoder })
        {
            object["num_decoder_layers"] = count
        }
        for module in modules where !module.isUnchanged {
            switch module.part {
            case .text?:
                // Where the configuration is not divided, it is the language model's.
                try setLayers(&object, module.origins, layerKeys)
                try setLayers(&object, in: "text_config", module.origins, layerKeys)
            case .vision?: try setLayers(&object, in: "vision_config", module.origins, layerKeys + ["depth"])
            case .encoder?: try setLayers(&object, module.origins, ["encoder_layers"] + layerKeys)
            case .decoder?: try setLayers(&object, module.origins, ["decoder_layers", "num_decoder_layers"])
            case .projector?, .shared?, nil: break
            }
        }
    }

    /// Sets the number of layers in a part of the configuration.
    private static func setLayers(
        _ object: inout JSONObject,
        in part: String,
        _ origins: [Int],
        _ keys: [String]
    ) throws(CollabError) {
        guard var inner = object[part]?.objectValue else { return }
        try setLayers(&inner, origins, keys)
        object[part] = .object(inner)
    }
}

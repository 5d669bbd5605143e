import Collab

/// How the states of a text's tokens become one vector.
public enum Pooling: Hashable, Sendable {
    /// Their mean.
    case mean
    /// The last one, which has seen the whole text: what decoders that were trained to embed are read by (Qwen 3
    /// Embedding, E5 Mistral).
    case lastToken
}

extension Pooling {
    /// What a model's files say: `pooling_type` of a GGUF file, or `1_Pooling/config.json` of a folder; `nil` if they
    /// say nothing that a decoder is read by.
    init?(_ checkpoint: any Checkpoint) throws(CollabError) {
        switch checkpoint.specification {
        case let specification as GGUFSpecification:
            let metadata = specification.metadata
            guard let architecture = try metadata.string("general.architecture") else { return nil }
            switch try metadata.integer("\(architecture).pooling_type") {
            case 1: self = .mean
            case 3: self = .lastToken
            default: return nil
            }
        case let specification as HuggingFaceSpecification:
            guard let folder = specification.folder, folder.contains("1_Pooling") else { return nil }
            let inner = try ModelFolder(path: folder.path + "/1_Pooling")
            let settings = JSONSettings(
                object: try JSONValue(parsing: try inner.map("config.json")),
                source: inner.path + "/config.json"
            )
            if try settings.flag("pooling_mode_lasttoken", or: false) {
                self = .lastToken
            } else if try settings.flag("pooling_mode_mean_tokens", or: false) {
                self = .mean
            } else {
                return nil
            }
        default: return nil
        }
    }
}

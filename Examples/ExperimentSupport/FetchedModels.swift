import Foundation

/// Where `make models` puts the models.
public enum FetchedModels {
    /// The path of a fetched file: in the folder that `COLLAB_MODELS` names, else in the user's cache.
    public static func path(of file: String) -> String {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["COLLAB_MODELS"], !folder.isEmpty { return "\(folder)/\(file)" }
        if let folder = environment["XDG_CACHE_HOME"], !folder.isEmpty {
            return "\(folder)/collab/models/\(file)"
        }
        let home = FileManager.default.homeDirectoryForCurrentUser.path
        #if os(macOS)
            return "\(home)/Library/Caches/collab/models/\(file)"
        #else
            return "\(home)/.cache/collab/models/\(file)"
        #endif
    }

    /// The model that the adapters in `Experts` were trained on.
    public static var small: String { path(of: "SmolLM2-135M-Instruct.Q4_1.gguf") }
}

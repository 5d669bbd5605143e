import Collab
import CollabBackends

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The two models of the quickstart, loaded from the user's files or from the cache.
struct Models {
    /// Tuned for dialogue.
    let small: NativeModel
    /// A base model: it continues pages of questions and answers.
    let large: NativeModel

    init(small: String?, large: String?, reportingTo terminal: Terminal) async throws(CollabError) {
        self.small = try await Self.load(
            small ?? Self.environment("COLLAB_SMALL"),
            orCached: "SmolLM2-135M-Instruct.Q4_1.gguf",
            as: "SmolLM2",
            reportingTo: terminal
        )
        self.large = try await Self.load(
            large ?? Self.environment("COLLAB_LARGE"),
            orCached: "gemma-3-270m-q4_k_m.gguf",
            as: "Gemma",
            reportingTo: terminal
        )
    }

    private static func load(
        _ own: String?,
        orCached file: String,
        as name: String,
        reportingTo terminal: Terminal
    ) async throws(CollabError) -> NativeModel {
        let path = own ?? cached(file)
        let start = ContinuousClock.now
        let model: NativeModel
        do throws(CollabError) {
            model = try await NativeModel(
                contentsOf: path,
                name: path.hasSuffix(file) ? name : nil,
                options: NativeOptions(contextLength: 2048)
            )
        } catch {
            guard own == nil, error.code == .fileNotFound else { throw error }
            throw CollabError(error.code, "\(error.message) `make models` fetches it.")
        }
        let duration = milliseconds(ContinuousClock.now - start)
        terminal.line(
            terminal.styled("\(model.name): ", .bold)
                + "\(model.checkpoint.specification.architecture), \(model.tokenizer.count) tokens, "
                + "loaded in \(duration) ms"
        )
        return model
    }

    private static func cached(_ file: String) -> String {
        if let folder = environment("COLLAB_MODELS") { return "\(folder)/\(file)" }
        if let folder = environment("XDG_CACHE_HOME") { return "\(folder)/collab/models/\(file)" }
        let home = environment("HOME") ?? "."
        #if os(macOS)
            return "\(home)/Library/Caches/collab/models/\(file)"
        #else
            return "\(home)/.cache/collab/models/\(file)"
        #endif
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

/// The two real models that the set-up puts into the user's cache.
enum RealModel: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case smolLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
    case gemma3 = "gemma-3-270m-q4_k_m.gguf"

    var testDescription: String { rawValue }

    /// Where the file is: `COLLAB_MODELS`, else the user's cache folder.
    var path: String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? NSHomeDirectory()
        #if os(macOS)
            let cache = home + "/Library/Caches"
        #else
            let cache = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home + "/.cache"
        #endif
        return (environment["COLLAB_MODELS"] ?? cache + "/collab/models") + "/" + rawValue
    }

    /// Opens the file.
    func open() throws -> GGUFFile {
        // An expectation would count once, and every other test that shares this one would seem to pass.
        guard FileManager.default.fileExists(atPath: path) else {
            throw CollabError(.fileNotFound, "\(path) is not there; `make test` fetches it once.")
        }
        return try GGUFFile(path: path)
    }

    /// The file's tokenizer, made once.
    func tokenizer() throws -> any ModelTokenizer {
        switch self {
        case .smolLM2: try Self.smolLM2Tokenizer.get()
        case .gemma3: try Self.gemma3Tokenizer.get()
        }
    }

    private static let smolLM2Tokenizer = Result { try smolLM2.open().metadata.makeTokenizer() }
    private static let gemma3Tokenizer = Result { try gemma3.open().metadata.makeTokenizer() }
}

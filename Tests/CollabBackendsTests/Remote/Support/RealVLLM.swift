import Collab
import Foundation

@testable import CollabBackends

/// vLLM itself. It is too large to be installed for every run of the tests: start one that serves SmolLM2 as `smollm2`,
/// and name its address, such as `http://127.0.0.1:8000/v1`, in COLLAB_VLLM and its key in COLLAB_VLLM_KEY.
///
/// It needs `--max-logprobs -1` for long lists of tokens; and `--enable-lora`, `--max-num-seqs 1`, the options
/// `--lora-modules arithmetic=Experts/arithmetic units=Experts/units`, and `VLLM_ALLOW_RUNTIME_LORA_UPDATING=True` in its
/// environment for the adapters of this repository.
enum RealVLLM {
    static let isNamed = ProcessInfo.processInfo.environment["COLLAB_VLLM"] != nil

    static func model(
        _ name: String = "smollm2",
        _ options: [ServerOption] = [],
        server: ServerKind = .vLLM,
        adjusting: (inout RemoteSettings) -> Void = { _ in }
    ) throws -> RemoteModel {
        var settings = RemoteSettings(options: options, reportsLogprobs: server == .vLLM)
        adjusting(&settings)
        return try RemoteModel(
            name,
            at: ProcessInfo.processInfo.environment["COLLAB_VLLM"] ?? "",
            key: .environment("COLLAB_VLLM_KEY"),
            server: server,
            settings: settings
        )
    }

    /// Where this repository keeps its adapters.
    static let experts = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Experts").path
}

import Collab
import CollabBackends
import Foundation
import Testing

/// The two real models as they answered when the cassettes were recorded.
///
/// With `COLLAB_RECORD=1` in the environment the tests run on the real models and record the cassettes anew.
struct Recorded {
    let small: any TextModel
    let large: any TextModel
    private let player: CassettePlayer?

    /// Opens the cassette of a test, or begins a new one.
    init(_ cassette: String) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Cassettes")
        let path = folder.appending(path: cassette + ".jsonl").path
        if ProcessInfo.processInfo.environment["COLLAB_RECORD"] == "1" {
            let recorder = try CassetteRecorder(writingTo: path)
            small = try await Self.native("SmolLM2-135M-Instruct.Q4_1.gguf", "small").recording(to: recorder)
            large = try await Self.native("gemma-3-270m-q4_k_m.gguf", "large").recording(to: recorder)
            player = nil
        } else {
            let player = try CassettePlayer(contentsOf: path)
            small = ReplayModel("small", from: player)
            large = ReplayModel("large", from: player)
            self.player = player
        }
    }

    /// Checks that everything on the cassette was asked for: a recipe that asks less than it did has changed.
    func expectNothingLeft() {
        #expect((player?.unused ?? []).map { "\($0.model): \($0.request.question)" } == [])
    }

    private static func native(_ file: String, _ name: String) async throws -> NativeModel {
        let environment = ProcessInfo.processInfo.environment
        let caches = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        let folder = environment["COLLAB_MODELS"] ?? caches + "/collab/models"
        return try await NativeModel(contentsOf: "\(folder)/\(file)", name: name)
    }
}

/// A model as the recipes' tests use it: brief, and shown how.
func brief(_ model: some TextModel) -> any TextModel {
    model
        .examples([
            "What is the capital of Italy?": "Rome", "What colour is grass?": "Green",
            "How many days are in a week?": "Seven",
        ])
        .options { options in
            options.maximumTokens = 12
            options.stopSequences = ["\n"]
        }
}

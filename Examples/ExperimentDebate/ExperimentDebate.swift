import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// Two small models debate the questions of TruthfulQA; each also thinks again by itself, for comparison.
@main
struct ExperimentDebate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment-debate",
        abstract: "Lets two small models debate TruthfulQA's multiple choice, beside self-reflection.",
        discussion: """
            Needs mc_task.json of the TruthfulQA repository (Apache-2.0): give its path, or set COLLAB_DATA to a folder \
            that has it as text/truthfulqa/mc_task.json. The benchmark's text must not get into training data.
            """
    )

    @Option(help: "The benchmark's mc_task.json; COLLAB_DATA/text/truthfulqa/mc_task.json if none.")
    var data: String?

    @Option(help: "Model files, two or more; the two models of the set-up if none.")
    var model: [String] = []

    @Option(help: "How many questions are asked at most, from the first.")
    var questions = 200

    @Flag(help: "Two options a question, the best answer and the best wrong one, instead of all of MC1.")
    var binary = false

    @Option(help: "Rounds of the debate after the opening one.")
    var rounds = 2

    @Option(help: "Where chance begins: the order of options, the intervals.")
    var seed: UInt64 = 0

    func validate() throws {
        guard questions > 0, rounds >= 0 else {
            throw ValidationError("--questions must be 1 or more, --rounds 0 or more.")
        }
        guard model.isEmpty || model.count > 1 else { throw ValidationError("A debate needs two models.") }
    }

    func run() async throws {
        let folder = ProcessInfo.processInfo.environment["COLLAB_DATA"] ?? "."
        let path = data ?? folder + "/text/truthfulqa/mc_task.json"
        guard FileManager.default.fileExists(atPath: path) else {
            throw ValidationError("There is no \(path); give --data, or set COLLAB_DATA.")
        }
        let asked = try TruthfulQuestion.load(path, isBinary: binary, seed: seed).prefix(questions)
        var models: [NativeModel] = []
        for path in model.isEmpty ? Self.models : model {
            models.append(try await NativeModel(contentsOf: path))
        }
        let start = ContinuousClock.now
        var sittings: [Sitting] = []
        for (index, question) in asked.enumerated() {
            sittings.append(
                try await Sitting.hold(question, models, rounds: rounds, seed: seed &+ UInt64(index))
            )
            if (index + 1) % 50 == 0 { print("\(index + 1) of \(asked.count) questions …") }
        }
        let findings = Findings(sittings: sittings, members: models.map(\.name), seed: seed)
        print(findings.text)
        print("took \(Int((ContinuousClock.now - start) / .seconds(1))) s")
    }

    /// The two models of the set-up.
    private static var models: [String] {
        let environment = ProcessInfo.processInfo.environment
        #if os(macOS)
            let cache = NSHomeDirectory() + "/Library/Caches"
        #else
            let cache = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        #endif
        let folder = environment["COLLAB_MODELS"] ?? cache + "/collab/models"
        return ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"].map { "\(folder)/\($0)" }
    }
}

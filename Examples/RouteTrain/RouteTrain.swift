import ArgumentParser
import Collab
import CollabBackends
import CollabRouting
import Foundation

/// Learns a router from a file of scored or compared answers.
@main
struct RouteTrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route-train",
        abstract: "Learns whom to ask from a file of scored or compared answers.",
        discussion: """
            A line of FILE is {"question": "…", "scores": {"small": 0, "large": 1}} or {"question": "…", "a": "small", \
            "b": "large", "winner": "b"}, where winner is a, b or tie. What is printed is measured on questions that \
            were not learned from.
            """
    )

    enum Method: String, CaseIterable, ExpressibleByArgument {
        case ridge, logistic, neighbours, kernel, clusters, bradleyTerry
        case factorization, perceptron, contrastive, graph, ensemble

        var training: any RouterTraining {
            switch self {
            case .ridge: .ridge()
            case .logistic: .logistic()
            case .neighbours: .neighbours()
            case .kernel: .kernel()
            case .clusters: .clusters()
            case .bradleyTerry: .bradleyTerry()
            case .factorization: .factorization()
            case .perceptron: .perceptron()
            case .contrastive: .contrastive()
            case .graph: .graph()
            case .ensemble: .ensemble(.ridge(), .neighbours())
            }
        }

        /// Whether it estimates scores themselves, and not who is better.
        var estimatesScores: Bool { ![.bradleyTerry, .factorization, .contrastive].contains(self) }
    }

    @Argument(help: "The file, JSON Lines.")
    var file: String

    @Argument(help: "The folder for the router; nothing is saved if left out.")
    var output: String?

    @Option(help: "How it learns: \(Method.allCases.map(\.rawValue).joined(separator: ", ")).")
    var method = Method.ridge

    @Option(help: "A folder with a BERT encoder; without one, hashed n-grams.")
    var encoder: String?

    @Flag(help: "FILE is the outcome log of a program's own runs.")
    var outcomes = false

    @Option(help: "How many parts the questions are dealt into for measuring.")
    var folds = 5

    @Option(help: "Where chance begins.")
    var seed: UInt64 = 0

    func run() async throws {
        do {
            try await train()
        } catch let error as CollabError {
            FileHandle.standardError.write(Data("route-train: \(error)\n".utf8))
            throw ExitCode(1)
        }
    }

    private func train() async throws {
        let data = try outcomes ? RoutingData(outcomesAt: file) : RoutingData(contentsOf: file)
        let features: RoutingFeatures
        if let encoder {
            features = .embedding(try await NativeEncoder(contentsOf: encoder))
        } else if method == .ridge || method == .logistic {
            features = .ngrams(weightedBy: data.questions)
        } else {
            features = .embedding(NGramEmbedding())
        }
        let set = try TrainingSet(
            features: try await features.table(of: data.questions),
            models: data.models,
            scores: data.scores,
            battles: data.battles
        )
        let training = method.training
        let quality = try measure(set, training)
        let report = TrainingReport(
            of: set,
            questions: data.questions,
            quality,
            folds: folds,
            showingErrors: method.estimatesScores
        )
        print("\(method.rawValue): \(report)")
        guard let output else { return }
        let router = try LearnedRouter(
            models: data.models,
            features: features,
            estimator: try training.train(on: set, seed: seed),
            facts: [
                "method": training.name, "questions": String(set.count), "battles": String(set.battles.count),
                "seed": String(seed), "date": Date.now.ISO8601Format(), "folds": String(folds),
            ].merging(report.facts) { own, _ in own }
        )
        try router.save(to: output)
        print("saved in \(output)")
    }

    private func measure(_ set: TrainingSet, _ training: some RouterTraining) throws -> CrossValidation {
        let isTerminal = isatty(STDERR_FILENO) == 1
        let result = try CrossValidation(of: set, folds: folds, by: training, seed: seed) { share in
            guard isTerminal else { return }
            let filled = Int(share * 30)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
            FileHandle.standardError.write(Data("\r\u{1B}[K\(bar) \(Int(share * 100)) %".utf8))
        }
        if isTerminal { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
        return result
    }
}

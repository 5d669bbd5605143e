import ArgumentParser
import Collab
import CollabBackends
import CollabRouting
import Foundation

/// How long learned routers take to learn and to decide, beside scikit-learn and numpy in turn.
struct RoutingSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routing",
        abstract: "Measure how fast routers learn and decide, beside scikit-learn and numpy.",
        discussion: """
            Vectors of unit length and scores are drawn by chance, the same in every run. Deciding is the whole way of a \
            request whose embedding is remembered; with an encoder it is measured with embedding, too.
            """
    )

    @Option(help: "How many questions are known.")
    var questions = 14_000

    @Option(help: "How many numbers a question has.")
    var width = 384

    @Option(help: "How many models there are.")
    var models = 2

    @Option(help: "Rounds of each measurement; medians are reported.")
    var rounds = 3

    @Option(help: "Only methods whose name contains this.")
    var only: String?

    @Option(help: "A folder with a BERT encoder of that width, to measure with embedding.")
    var encoder: String?

    @Option(help: "A python with scikit-learn, to measure beside.")
    var peerPython: String?

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    private static let methods: [(name: String, training: any RouterTraining, peers: [String])] = [
        ("ridge", .ridge(), ["ridge"]), ("logistic", .logistic(), ["logistic"]),
        ("neighbours", .neighbours(), ["neighbours", "neighbours by numpy"]),
        ("kernel", .kernel(), ["kernel"]), ("clusters", .clusters(), ["clusters"]),
        ("Bradley–Terry", .bradleyTerry(), []),
        (
            "perceptron",
            PerceptronTraining(isLogistic: false, steps: AdamSettings(epochs: 20, decay: 1e-4)),
            ["perceptron"]
        ),
        ("factorisation", .factorization(), []), ("contrastive", .contrastive(), []), ("graph", .graph(), []),
        ("ridge and neighbours", .ensemble(.ridge(), .neighbours()), []),
    ]

    func validate() throws {
        guard rounds > 0, questions > 100, width > 0, models > 1 else {
            throw ValidationError("There must be rounds, more than 100 questions, numbers and two models.")
        }
    }

    func run() async throws {
        var report = Report(suite: "routing")
        report.machine["questions"] = "\(questions) of \(width) numbers, \(models) models"
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "collab-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (vectors, scores) = draw()
        try write(vectors, folder, "vectors")
        try write(scores, folder, "scores")
        let peer = try peerPython.map {
            try PeerProcess(
                python: $0,
                script: "router_rates.py",
                model: folder.path,
                threads: 1,
                more: [questions, width, models].map(String.init)
            )
        }
        report.machine["peer"] = peer?.build
        report.printHeader(json: json)
        let names = (0..<models).map { "model \($0)" }
        let set = try TrainingSet(features: .dense(vectors), models: names, scores: scores)
        var native: NativeEncoder?
        if let encoder { native = try await NativeEncoder(contentsOf: encoder) }
        for method in Self.methods where only.map({ method.name.contains($0) }) ?? true {
            try await measure(method, set, vectors, native, peer, &report)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    private func measure(
        _ method: (name: String, training: any RouterTraining, peers: [String]),
        _ set: TrainingSet,
        _ vectors: Table,
        _ encoder: NativeEncoder?,
        _ peer: PeerProcess?,
        _ report: inout Report
    ) async throws {
        var (learning, deciding): ([Double], [Double]) = ([], [])
        var theirs: [String: [Double]] = [:]
        var estimator = try method.training.train(on: set)
        let texts = (0..<256).map { "question \($0)" }
        let remembered = Remembered(
            vectors: Dictionary(
                uniqueKeysWithValues: texts.enumerated().map { ($1, Array(vectors.row($0 * 7 % questions))) }
            ),
            dimension: width
        )
        let candidates = set.models.map { RouteCandidate(name: $0) }
        for _ in 0..<rounds {
            let start = ContinuousClock.now
            estimator = try method.training.train(on: set)
            learning.append(seconds(since: start))
            for peerMethod in method.peers {
                if let rate = try peer?.rate(of: "train \(peerMethod)") {
                    theirs["learn, \(peerMethod), ms", default: []].append(1e3 / rate)
                }
            }
            let router = try LearnedRouter(
                models: set.models,
                features: .embedding(remembered),
                estimator: estimator
            )
            deciding.append(try await timePerDecision(router, texts, candidates))
            for peerMethod in method.peers {
                if let rate = try peer?.rate(of: "decide \(peerMethod)") {
                    theirs["decide, \(peerMethod), µs", default: []].append(1e6 / rate)
                }
            }
        }
        var figures = ["learn, ms": median(learning) * 1e3, "decide, µs": median(deciding) * 1e6]
        for (name, values) in theirs { figures["the peer's " + name] = median(values) }
        if let encoder, encoder.dimension == width {
            let router = try LearnedRouter(
                models: set.models,
                features: .embedding(encoder),
                estimator: estimator
            )
            let sentences = try SampleTexts.sentences(32, words: 8...20)
            var times: [Double] = []
            for _ in 0..<rounds { times.append(try await timePerDecision(router, sentences, candidates)) }
            figures["embed and decide, µs"] = median(times) * 1e6
        }
        report.add(Measurement(name: method.name, figures: figures), json: json)
    }

    private func timePerDecision(
        _ router: LearnedRouter,
        _ texts: [String],
        _ candidates: [RouteCandidate]
    ) async throws -> Double {
        let requests = texts.map { Request($0) }
        _ = try await router.route(requests[0], among: candidates)
        let start = ContinuousClock.now
        for request in requests { _ = try await router.route(request, among: candidates) }
        return seconds(since: start) / Double(requests.count)
    }

    /// Vectors of unit length about sixteen middles, and scores that depend on them.
    private func draw() -> (vectors: Table, scores: Table) {
        var random = SampleTexts.Steps()
        func number() -> Float { Float(random.next(2001) - 1000) / 1000 }
        let middles = (0..<16).map { _ in (0..<width).map { _ in number() } }
        let directions = (0..<models).map { _ in (0..<width).map { _ in number() } }
        var (vectors, scores) = (
            Table(rows: questions, columns: width), Table(rows: questions, columns: models)
        )
        for row in 0..<questions {
            let middle = middles[random.next(16)]
            var vector = middle.map { $0 + number() }
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            vector = vector.map { $0 / length }
            vectors.values.replaceSubrange(row * width..<(row + 1) * width, with: vector)
            for model in 0..<models {
                let sum = zip(vector, directions[model]).reduce(0) { $0 + $1.0 * $1.1 }
                scores[row, model] = sum + number() > 0 ? 1 : 0
            }
        }
        return (vectors, scores)
    }

    private func write(_ table: Table, _ folder: URL, _ name: String) throws {
        try table.values.withUnsafeBytes { bytes in
            try Data(bytes).write(to: folder.appendingPathComponent(name))
        }
    }
}

/// Vectors that are known already.
private struct Remembered: EmbeddingModel {
    let name = "remembered"
    let vectors: [String: [Float]]
    let dimension: Int

    func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] { texts.compactMap { vectors[$0] } }
}

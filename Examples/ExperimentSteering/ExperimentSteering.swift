import ArgumentParser
import Collab
import CollabBackends
import ExperimentSupport
import Foundation

/// Steers a model away from advertising with an expert and an anti-expert, and measures what that gains and costs.
@main
struct ExperimentSteering: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment-steering",
        abstract: "Contrastive decoding, base + α (expert − anti-expert): gain and cost over the strength α.",
        discussion: """
            The undesired attribute is the language of advertising: an answer has it if a word of \
            Experts/advertising-words.txt is in it. The questions are held out, and so are half of the words. Fluency \
            is the perplexity of the answers under the base alone. Run it from the folder of the package.
            """
    )

    @Option(help: "The base; the fetched SmolLM2 if none.")
    var model: String?

    @Option(help: "The folder with the adapters, the words and the questions.")
    var experts = "Experts"

    @Option(
        parsing: .upToNextOption,
        help: "The strengths. One next to 0 is the base under the plausibility mask."
    )
    var strengths: [Double] = [0, 0.001, 1, 2, 3, 4]

    @Option(help: "How many answers each question gets.")
    var samples = 4

    @Option(help: "The most tokens of an answer.")
    var tokens = 36

    @Option(help: "The temperature.")
    var temperature = 0.9

    @Option(help: "Where chance begins: the choice of tokens, intervals.")
    var seed: UInt64 = 1

    @Option(help: "A folder for steering.svg and steering.json.")
    var output: String?

    private struct Question: Decodable { var question: String }

    func validate() throws {
        guard strengths.first == 0, strengths.allSatisfy(\.isFinite) else {
            throw ValidationError(
                "The first strength is 0, the base alone, with which the others are compared."
            )
        }
        guard samples > 0, tokens > 0 else { throw ValidationError("There must be something to write.") }
    }

    func run() async throws {
        let words = try WordList(contentsOf: experts + "/advertising-words.txt")
        let questions = try decodeLines(Question.self, path: experts + "/held-out/descriptions.jsonl")
        let base = try await NativeModel(
            contentsOf: model ?? FetchedModels.small,
            options: NativeOptions(contextLength: 1024)
        )
        let expert = try await adapted(base, by: "plain")
        let antiExpert = try await adapted(base, by: "promotional")
        print("\(questions.count) questions, \(samples) answers each, at temperature \(temperature)\n")
        var points: [SteeringPoint] = []
        for strength in strengths {
            let steered: any LogitModel =
                strength == 0 ? base : base + strength * (expert - antiExpert)
            let answers = try await answers(of: steered, to: questions.map(\.question), words, base)
            points.append(SteeringPoint(strength: strength, answers: answers))
            complain("α = \(strength) is done")
        }
        // What the expert does alone, without anything to subtract.
        let alone = SteeringPoint(
            strength: .infinity,
            answers: try await answers(of: expert, to: questions.map(\.question), words, base)
        )
        print(table(points, alone: alone))
        print("\nα = 2, for example:")
        for answer in (points.first { $0.strength == 2 } ?? points[points.count - 1]).answers.prefix(3) {
            print("  " + answer.text.replacingOccurrences(of: "\n", with: " "))
        }
        if let output { try write(points, to: output) }
    }

    private func adapted(_ base: NativeModel, by name: String) async throws -> AdaptedNativeModel {
        try await base.adapted(by: [try LowRankAdapter(contentsOf: "\(experts)/\(name)")], name: name)
    }

    private func answers(
        of model: any LogitModel,
        to questions: [String],
        _ words: WordList,
        _ base: NativeModel
    ) async throws -> [SteeringPoint.Answer] {
        let calls = questions.indices.flatMap { question in (0..<samples).map { (question, $0) } }
        let (sampling, count, seed) = (Sampling.temperature(temperature, topP: 0.95), tokens, seed)
        var answers: [SteeringPoint.Answer] = []
        // As many at once as fill a batch.
        for start in stride(from: 0, to: calls.count, by: 32) {
            let group = Array(calls[start..<min(start + 32, calls.count)])
            answers += try await concurrently(group) { (call) async throws(CollabError) in
                var request = Request(questions[call.0])
                request.options = GenerationOptions(
                    maximumTokens: count,
                    sampling: sampling,
                    seed: seed &+ UInt64(call.0 * 1000 + call.1),
                    reportsLogprobs: false
                )
                let text = try await model.respond(to: request).text
                let scored = try await base.score([text], after: request)
                let found = Set(WordList.words(of: text))
                return SteeringPoint.Answer(
                    question: call.0,
                    text: text,
                    isPromotional: !found.isDisjoint(with: words.words),
                    hasUnseenWord: !found.isDisjoint(with: words.unseen),
                    words: WordList.words(of: text).count,
                    logprobs: scored.first?.tokenLogprobs ?? []
                )
            }
        }
        return answers
    }

    private func table(_ points: [SteeringPoint], alone: SteeringPoint) -> TextTable {
        var table = TextTable(
            "α",
            "promotional, % (95 %)",
            "less than the base, points",
            "unseen words, %",
            "perplexity",
            "words",
            "different in 100"
        )
        for point in points + [alone] {
            table.add([
                point.strength.isFinite ? "\(point.strength)" : "expert alone",
                interval(point.promotional, 1, times: 100),
                point.strength == 0
                    ? "" : interval(point.reduction(from: points[0], seed: seed), 1, times: 100),
                interval(point.unseen, 1, times: 100),
                interval(point.perplexity(seed: seed), 2),
                decimal(point.meanWords, 1),
                decimal(point.differentWords, 1),
            ])
        }
        return table
    }

    private func write(_ points: [SteeringPoint], to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try encoder.encode(points).write(to: URL(fileURLWithPath: folder + "/steering.json"))
        try CostBenefitDrawing.svg(points, seed: seed)
            .write(toFile: folder + "/steering.svg", atomically: true, encoding: .utf8)
    }

    private func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}

import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// What a debate of several members over one native model costs beside its members' runs by themselves.
///
/// Three debates: an opening round alone, and one with an exchange, whose prompts differ from member to member, or have all
/// but their end in common. In the debate the members' sequences are computed as one batch and share the question. Apart, each member makes the
/// same calls, one run after the other, as separate programs would: with a question that begins differently, so that
/// nothing is shared.
struct DebateSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "debate",
        abstract: "Measure a debate over one model against its members' separate runs."
    )

    @Option(help: "A GGUF file; without one, the two models of the set-up.")
    var model: [String] = []

    @Option(help: "How many members debate.")
    var members = 5

    @Option(help: "Words of the shared question.")
    var words = 300

    @Option(help: "Tokens of an answer at most.")
    var tokens = 48

    @Option(help: "How many threads compute.")
    var threads = 2

    @Option(help: "Repetitions, debate and separate runs in turns.")
    var repetitions = 5

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    func validate() throws {
        guard members > 1, repetitions > 0, tokens > 0, words > 0 else {
            throw ValidationError("A debate needs two members, and at least one of everything else.")
        }
    }

    func run() async throws {
        var report = Report(suite: "debate")
        report.machine["threads"] = String(threads)
        report.printHeader(json: json)
        let paths =
            model.isEmpty
            ? ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"].map {
                SampleTexts.models.appendingPathComponent($0).path
            } : model
        for path in paths {
            let options = NativeOptions(threads: threads)
            let model = try await NativeModel(contentsOf: path, options: options)
            for kind in Kind.allCases { report.add(try await measure(model, kind), json: json) }
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    /// What is held.
    private enum Kind: String, CaseIterable {
        case opening = "opening round"
        case ownPrompts = "opening and exchange"
        case commonPrompts = "opening and exchange with common prompts"

        var rules: DebateRules {
            DebateRules(
                rounds: self == .opening ? 0 : 1,
                until: .never,
                visibility: .previousRound,
                prompts: self == .commonPrompts ? .common() : .standard
            )
        }
    }

    private func measure(_ model: NativeModel, _ kind: Kind) async throws -> Measurement {
        var (together, apart, ratios): ([Double], [Double], [Double]) = ([], [], [])
        var (written, writtenApart) = (0, 0)
        // The first round warms up.
        for repetition in 0...repetitions {
            let debate = try await hold(model, kind, repetition)
            let separate = try await separately(model, debate.requests, repetition)
            guard repetition > 0 else { continue }
            together.append(debate.seconds)
            apart.append(separate.seconds)
            // Texts drawn by chance differ in length: what counts is the time a token of the same calls.
            ratios.append(
                debate.seconds / separate.seconds * Double(separate.tokens) / Double(max(debate.tokens, 1))
            )
            written += debate.tokens
            writtenApart += separate.tokens
        }
        return Measurement(
            name: "\(model.name) \(kind.rawValue), \(members) members against \(members) separate runs",
            conditions: [
                "words of the question": "\(words)",
                "tokens an answer": "\(tokens)",
                "threads": "\(threads)",
            ],
            figures: [
                "s debate": median(together), "s apart": median(apart), "× apart": median(ratios),
                "× least": ratios.min() ?? .nan, "× most": ratios.max() ?? .nan, "bar": 0.5,
                "tokens debate": Double(written) / Double(repetitions),
                "tokens apart": Double(writtenApart) / Double(repetitions),
            ]
        )
    }

    /// The debate; also the requests of each member, in order.
    private func hold(
        _ model: NativeModel,
        _ kind: Kind,
        _ repetition: Int
    ) async throws -> (seconds: Double, tokens: Int, requests: [[Request]]) {
        let debate = Debate("debate", kind.rules) { for _ in 0..<members { model } }
        let options = GenerationOptions(maximumTokens: tokens, sampling: .temperature(0.8))
        let question = Request(try question("Case \(repetition)"), options: options)
        let start = ContinuousClock.now
        let answer = try await debate.respond(to: question, in: Run(seed: UInt64(repetition)))
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        var requests = [[Request]](repeating: [], count: members)
        for stage in answer.trace?.root.children ?? [] {
            // Calls began in any order; whose they are is told by the sample.
            let calls = stage.children.filter { $0.kind == .call }.compactMap(\.request)
            for call in calls { requests[call.sample % members].append(call) }
        }
        return (seconds, answer.usage.completionTokens, requests)
    }

    /// The same calls, member after member, each from a question of its own.
    private func separately(
        _ model: NativeModel,
        _ requests: [[Request]],
        _ repetition: Int
    ) async throws -> (seconds: Double, tokens: Int) {
        var tokens = 0
        let start = ContinuousClock.now
        for (member, calls) in requests.enumerated() {
            let run = Run(seed: UInt64(repetition))
            for call in calls {
                var messages = call.messages
                for index in messages.indices {
                    messages[index].text = messages[index].text.replacingOccurrences(
                        of: "Case \(repetition)",
                        with: "Member \(member), case \(repetition)"
                    )
                }
                let request = Request(.dialogue(messages), options: call.options, sample: call.sample)
                tokens += try await model.respond(to: request, in: run).usage.completionTokens
            }
        }
        return ((ContinuousClock.now - start) / .seconds(1), tokens)
    }

    private func question(_ beginning: String) throws -> String {
        let story = try SampleTexts.english().split(whereSeparator: \.isWhitespace).prefix(words)
        return
            "\(beginning). \(story.joined(separator: " "))\n\nWhat happens in this text, and what comes next?"
    }

}

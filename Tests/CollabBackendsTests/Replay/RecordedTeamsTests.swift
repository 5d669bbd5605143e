import Collab
import CollabBackends
import Foundation
import Testing

/// Real collaborations over models that answer as they once did, where the folder that `COLLAB_DATA` names is there.
///
/// The expected figures were computed from the same files by a program of its own (Python, with numpy's `corrcoef`).
enum RecordedTeams {
    /// GSM8K as 43 models answered it, their answers already read: question k is called “Problem k”.
    static func gradeSchool() throws -> (answers: RecordedAnswers, truths: [Answer]) {
        struct File: Decodable {
            struct Model: Decodable { var answers: [String?] }
            var gold: [String]
            var models: [String: Model]
        }
        let file = try JSONDecoder().decode(File.self, from: try data("zeroeval/gsm8k-answers.json"))
        let rows = file.gold.indices.map { row -> [String: String] in
            var cells = file.models.mapValues { ($0.answers[row] ?? nil) ?? "" }
            cells["question"] = "Problem \(row)"
            return cells
        }
        let columns = Dictionary(uniqueKeysWithValues: file.models.keys.map { ($0, $0) })
        return (try recorded(rows, columns), file.gold.map { .value($0) })
    }

    /// Verdicts of judges over the pairs of LLMBar, each asked in the words of ``Judge`` in both orders.
    static func judges(
        _ names: [(judge: String, prompt: String)]
    ) throws -> (answers: RecordedAnswers, pairs: [Pair]) {
        struct File: Decodable {
            struct Orders: Decodable { var plain: String, swapped: String }
            var gold: String
            var judges: [String: [String: Orders]]
        }
        let file = try JSONDecoder().decode(File.self, from: try data("llmbar/verdicts.json"))
        let lines = try data("llmbar/pairs.jsonl").split(separator: UInt8(ascii: "\n"))
        let pairs = try zip(lines, file.gold).enumerated().map { index, row in
            // Instructions occur in several subsets.
            var pair = try JSONDecoder().decode(Pair.self, from: Data(row.0))
            pair.instruction = "\(index). \(pair.instruction)"
            pair.truth = row.1 == "1" ? .first : .second
            return pair
        }
        var rows: [[String: String]] = []
        for (index, pair) in pairs.enumerated() {
            var (plain, swapped): ([String: String], [String: String]) = ([:], [:])
            for name in names {
                let orders = try #require(file.judges[name.judge]?[name.prompt])
                // What is shown second has the number 1 where the order is turned.
                plain[name.judge] = ["1": "A", "2": "B"][Array(orders.plain)[index]] ?? "Hm"
                swapped[name.judge] = ["1": "B", "2": "A"][Array(orders.swapped)[index]] ?? "Hm"
            }
            let request = Request(pair.instruction)
            plain["question"] = Judge.standardPrompt(request, pair.output1, pair.output2).question
            swapped["question"] = Judge.standardPrompt(request, pair.output2, pair.output1).question
            rows += [plain, swapped]
        }
        let columns = Dictionary(uniqueKeysWithValues: names.map { ($0.judge, $0.judge) })
        return (try recorded(rows, columns), pairs)
    }

    struct Pair: Decodable {
        var instruction: String
        var output1: String
        var output2: String
        var truth: Judge.Preference?

        enum CodingKeys: String, CodingKey { case instruction, output1, output2 }
    }

    /// As the answers were read by those who recorded them.
    static let format = AnswerFormat("as recorded") { $0 }

    static func data(_ name: String) throws -> Data {
        let folder = try #require(RecordedAnswersTests.data)
        return try Data(contentsOf: URL(filePath: "\(folder)/text/\(name)"))
    }

    static func recorded(
        _ rows: [[String: String]],
        _ columns: [String: String]
    ) throws -> RecordedAnswers {
        let path = FileManager.default.temporaryDirectory.appending(path: "teams-\(UUID()).jsonl")
        defer { try? FileManager.default.removeItem(at: path) }
        let encoder = JSONEncoder()
        let lines = try rows.map { try encoder.encode($0) }
        try Data(lines.joined(separator: Data("\n".utf8))).write(to: path)
        return try RecordedAnswers(
            contentsOf: path.path,
            columns: .init(question: "question", answers: .perModel(columns))
        )
    }
}

@Suite(
    "Teams of recorded models on 1,319 problems of GSM8K",
    .enabled(if: RecordedAnswersTests.data != nil, "set COLLAB_DATA to a folder with text/zeroeval")
)
struct RecordedTeamsTests {
    /// A pool and its figures, in per cent.
    struct Pool: Sendable, CustomTestStringConvertible {
        var name: String
        var members: [String]
        var best: Double
        var plurality: Double
        var weighted: Double
        var oracle: Double
        var effectiveVotes: Double
        var sameWrong: Double
        var testDescription: String { name }
    }

    static let small = [
        "Meta-Llama-3-8B-Instruct", "Qwen2-7B-Instruct", "Mistral-Nemo-Instruct-2407", "gemma-2-9b-it",
        "Yi-1.5-9B-Chat",
    ]
    static let pools = [
        Pool(
            name: "five of about eight billion parameters",
            members: small,
            best: 87.41,
            plurality: 91.74,
            weighted: 91.74,
            oracle: 96.51,
            effectiveVotes: 2.11,
            sameWrong: 26
        ),
        Pool(
            name: "five weak ones",
            members: [
                "gemma-2-2b-it", "command-r", "Mixtral-8x7B-Instruct-v0.1", "Yi-1.5-9B-Chat",
                "Meta-Llama-3-8B-Instruct",
            ],
            best: 78.54,
            plurality: 85.60,
            weighted: 85.75,
            oracle: 93.56,
            effectiveVotes: 2.36,
            sameWrong: 15
        ),
        Pool(
            name: "five middling ones",
            members: [
                "gpt-3.5-turbo-0125", "claude-3-haiku-20240307", "gemini-1.5-flash", "Qwen2-72B-Instruct",
                "Meta-Llama-3-70B-Instruct",
            ],
            best: 93.03,
            plurality: 95.22,
            weighted: 95.07,
            oracle: 98.10,
            effectiveVotes: 1.96,
            sameWrong: 45
        ),
        Pool(
            name: "five of the best",
            members: [
                "claude-3-5-sonnet-20241022", "gpt-4o-2024-08-06", "o1-mini-2024-09-12", "Mistral-Large-2",
                "Meta-Llama-3.1-405B-Instruct@hyperbolic",
            ],
            best: 96.66,
            plurality: 97.19,
            weighted: 97.12,
            oracle: 98.48,
            effectiveVotes: 1.50,
            sameWrong: 76
        ),
    ]

    /// Asks a collaboration every problem; the talks, with the right answers, and how often its answer is right, in per
    /// cent, and how many calls a problem takes.
    private func ask(
        _ answers: RecordedAnswers,
        _ truths: [Answer],
        _ team: some TextModel
    ) async throws -> (talks: [Talk], accuracy: Double, calls: Double) {
        var talks: [Talk] = []
        var (right, calls) = (0, 0)
        for (question, truth) in zip(answers.questions, truths) {
            let response = try await team.respond(to: question)
            if RecordedTeams.format.answer(in: response.text) == truth { right += 1 }
            calls += response.usage.calls
            guard var talk = response.trace?.talks.first else { continue }
            talk.truth = truth
            talks.append(talk)
        }
        let count = Double(truths.count)
        return (talks, 100 * Double(right) / count, Double(calls) / count)
    }

    @Test("are as often right, by each way of voting, and as independent, as computed", arguments: pools)
    func votes(pool: Pool) async throws {
        let (answers, truths) = try RecordedTeams.gradeSchool()
        func vote(_ aggregation: Aggregation) -> some TextModel {
            Vote("vote", VoteRules(answers: RecordedTeams.format, aggregation: aggregation)) {
                pool.members.map { answers.model($0) as any TextModel }
            }
        }
        let plain = try await ask(answers, truths, vote(.plurality))
        #expect(plain.calls == 5)
        let report = CommunicationReport(of: plain.talks)
        #expect(abs(100 * (report.oracleAccuracy ?? 0) - pool.oracle) < 0.01)
        #expect(abs((report.effectiveVotes ?? 0) - pool.effectiveVotes) < 0.01)
        #expect(abs(100 * (report.sameWrong ?? 0) - pool.sameWrong) < 2)
        // A vote adds nothing to itself.
        #expect(report.addedValue.map { abs($0.estimate) < 0.02 } == true)

        let examples = plain.talks.map { talk in
            var held: [String: Answer] = [:]
            for (name, answer) in zip(talk.members, talk.answers(after: 0)) { held[name] = answer }
            return LabelledExample(
                truth: talk.truth ?? .unparsed,
                answers: pool.members.map { held[$0] }
            )
        }
        let calibration = try Calibration(of: pool.members, from: examples)
        let best = Double(calibration.bestSingle?.right ?? 0)
        #expect(abs(100 * best / Double(truths.count) - pool.best) < 0.01)
        #expect(abs(100 * (calibration.oracle ?? 0) - pool.oracle) < 0.01)
        let plurality = try await ask(answers, truths, vote(.plurality(preferring: calibration)))
        #expect(abs(plurality.accuracy - pool.plurality) < 0.01)
        let weighted = try await ask(answers, truths, vote(.logOdds(calibration, gate: nil)))
        #expect(abs(weighted.accuracy - pool.weighted) < 0.01)
    }

    @Test(
        "polled one after the other until it is sure enough, save more than half of the calls",
        arguments: [(0.8, 92.04, 2.773), (0.9, 92.42, 4.308), (0.95, 92.42, 5.192), (1, 92.42, 5.89)]
    )
    func polling(threshold: Double, accuracy: Double, calls: Double) async throws {
        let (answers, truths) = try RecordedTeams.gradeSchool()
        let members = [
            "gemma-2-9b-it", "Mistral-Nemo-Instruct-2407", "gpt-3.5-turbo-0125", "Qwen2-7B-Instruct",
            "command-r-plus", "Meta-Llama-3-8B-Instruct", "Yi-1.5-9B-Chat", "command-r", "gemma-2-2b-it",
        ]
        let poll = AdaptiveConsistency(
            samples: 1,
            answers: RecordedTeams.format,
            until: .betaPosterior(above: threshold)
        )
        let asked = try await ask(
            answers,
            truths,
            poll { members.map { answers.model($0) as any TextModel } }
        )
        #expect(abs(asked.accuracy - accuracy) < 0.01)
        // A lead that cannot be overtaken ends it, too: without that rule it takes 2.78, 4.43, 5.61 and 9 calls.
        #expect(abs(asked.calls - calls) < 0.001)
    }

    @Test("four of five in agreement, else a large one, are better than the large one alone")
    func cascade() async throws {
        let (answers, truths) = try RecordedTeams.gradeSchool()
        let large = answers.model("gpt-4o-2024-08-06")
        let pipeline = Pipeline {
            Team { Self.small.map { answers.model($0) as any TextModel } }
            Debate(DebateRules(rounds: 0, answers: RecordedTeams.format, until: .votes(4)))
            Escalate(to: .model(large))
        }
        let asked = try await ask(answers, truths, pipeline)
        #expect(abs(asked.accuracy - 96.44) < 0.01)
        #expect(abs(100 * (asked.calls - 5) - 22.06) < 0.01)
        #expect(abs(try await ask(answers, truths, large).accuracy - 96.21) < 0.01)
    }

    @Test("tell from two hundred problems how many equal votes are enough")
    func learnedVotes() async throws {
        let (answers, truths) = try RecordedTeams.gradeSchool()
        let examples = try await truths.indices.filter { $0 % 7 == 0 }.asyncMap { row in
            LabelledExample(
                truth: truths[row],
                answers: try await Self.small.asyncMap { name in
                    RecordedTeams.format.answer(
                        in: try await answers.model(name).respond(to: answers.questions[row]).text
                    )
                }
            )
        }
        let calibration = try Calibration(of: Self.small, from: examples)
        #expect(calibration.votes(reaching: 0.9) == 4)
        #expect(calibration.votes(reaching: 0.8) == 3)
    }
}

extension Sequence {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows
        -> [Result]
    {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}

@Suite(
    "Recorded judges on 419 pairs of LLMBar",
    .enabled(if: RecordedAnswersTests.data != nil, "set COLLAB_DATA to a folder with text/llmbar")
)
struct RecordedJudgingTests {
    /// A judge's figures, in per cent: right in either order, the same in both, right where it is the same.
    struct Figures: Sendable, CustomTestStringConvertible {
        var judge: String
        var prompt: String
        var plain: Double
        var swapped: Double
        var consistent: Double
        var rightWhenConsistent: Double
        var testDescription: String { "\(judge), \(prompt)" }
    }

    static let judges = [
        Figures(
            judge: "GPT-4",
            prompt: "Vanilla",
            plain: 82.8,
            swapped: 86.2,
            consistent: 92.8,
            rightWhenConsistent: 87.1
        ),
        Figures(
            judge: "GPT-4",
            prompt: "Metrics_Reference",
            plain: 86.2,
            swapped: 88.3,
            consistent: 91.6,
            rightWhenConsistent: 90.6
        ),
        Figures(
            judge: "ChatGPT",
            prompt: "Vanilla",
            plain: 40.6,
            swapped: 39.4,
            consistent: 65.9,
            rightWhenConsistent: 34.8
        ),
        Figures(
            judge: "Falcon",
            prompt: "CoT",
            plain: 51.6,
            swapped: 52.5,
            consistent: 12.6,
            rightWhenConsistent: 67.9
        ),
    ]

    @Test("contradict themselves as often as was found", arguments: judges)
    func consistency(figures: Figures) async throws {
        let (answers, pairs) = try RecordedTeams.judges([(figures.judge, figures.prompt)])
        let judge = Judge(answers.model(figures.judge))
        var judgements: [Judge.Judgement] = []
        for pair in pairs {
            judgements.append(
                try await judge.compare(pair.output1, pair.output2, on: Request(pair.instruction))
            )
        }
        func share(_ count: Int, of total: Int) -> Double { 100 * Double(count) / Double(total) }
        let judged = Array(zip(pairs, judgements))
        #expect(abs(share(judged.count { $1.plain == $0.truth }, of: 419) - figures.plain) < 0.1)
        #expect(abs(share(judged.count { $1.swapped == $0.truth }, of: 419) - figures.swapped) < 0.1)
        let consistent = judged.filter { $1.isConsistent }
        #expect(abs(share(consistent.count, of: 419) - figures.consistent) < 0.1)
        let right = consistent.count { $1.preference == $0.truth }
        #expect(abs(share(right, of: consistent.count) - figures.rightWhenConsistent) < 0.1)
    }

    @Test("decide a vote of two answers as a panel, by votes that are equal or calibrated")
    func panel() async throws {
        let names = ["ChatGPT-0301", "Falcon", "GPT-4", "LLaMA2", "PaLM2"]
        let (answers, pairs) = try RecordedTeams.judges(names.map { ($0, "Reference") })
        let judges = names.map { Judge(answers.model($0)) }
        var judged: [JudgedPair] = []
        for pair in pairs {
            var judgements: [Judge.Judgement?] = []
            for judge in judges {
                judgements.append(
                    try await judge.compare(pair.output1, pair.output2, on: Request(pair.instruction))
                )
            }
            judged.append(JudgedPair(truth: try #require(pair.truth), judgements: judgements))
        }
        let calibration = try Calibration(ofJudges: names, from: judged)
        /// How often the panel is right, in per cent; a tie is right half of the time.
        func right(_ aggregation: Aggregation) async throws -> Double {
            var sum = 0.0
            for pair in pairs {
                let ballots = [pair.output1, pair.output2].enumerated().map { index, text in
                    Ballot(
                        member: index,
                        name: "\(index)",
                        answer: .value(index == 0 ? "first" : "second"),
                        text: text
                    )
                }
                let request = Request(pair.instruction)
                let (tally, _) = try await aggregation.decide(ballots, on: request, ties: .firstDeclared)
                sum += tally.tieRule != nil ? 0.5 : tally.answer.value == pair.truth?.rawValue ? 1 : 0
            }
            return 100 * sum / Double(pairs.count)
        }
        let (a, b, c, d, e) = (judges[0], judges[1], judges[2], judges[3], judges[4])
        #expect(abs(try await right(.judge(a, b, c, d, e)) - 71.0) < 0.3)
        #expect(abs(try await right(.judge(c)) - 85.8) < 0.3)
        #expect(abs(try await right(.judge(a, b, c, d, e, calibration: calibration)) - 87.1) < 0.3)
    }
}

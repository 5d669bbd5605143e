import Collab
import Foundation
import Testing

/// Further recorded answers, where the folder that `COLLAB_DATA` names is there.
extension RecordedData {
    /// MMLU-Pro as some models answered it: one letter a question, `.` where none could be read.
    struct Letters: Decodable {
        struct Model: Decodable { var answers: String }
        var gold: String
        var category: [Int]
        var models: [String: Model]

        func examples(_ names: [String], every step: Int = 1) throws -> [LabelledExample] {
            let answers = try names.map { Array(try #require(models[$0]).answers.utf8) }
            let gold = Array(gold.utf8)
            func answer(_ letter: UInt8) -> Answer {
                letter == UInt8(ascii: ".") || letter == UInt8(ascii: "?")
                    ? .unparsed : .value(String(UnicodeScalar(letter)))
            }
            return stride(from: 0, to: gold.count, by: step).map { row in
                LabelledExample(truth: answer(gold[row]), answers: answers.map { answer($0[row]) })
            }
        }
    }

    static func letters() throws -> Letters {
        let path = try #require(folder) + "/mmlu-pro/answers.json"
        return try JSONDecoder().decode(Letters.self, from: Data(contentsOf: URL(filePath: path)))
    }

    /// LLMBar as some judges saw it, in both orders.
    struct Verdicts: Decodable {
        struct Orders: Decodable { var plain: String, swapped: String }
        var gold: String
        var judges: [String: [String: Orders]]

        func pairs(_ names: [(judge: String, prompt: String)]) throws -> [JudgedPair] {
            func preference(_ letter: Character) -> Judge.Preference? {
                letter == "1" ? .first : letter == "2" ? .second : nil
            }
            let orders = try names.map { name in
                let orders = try #require(judges[name.judge]?[name.prompt])
                return (plain: Array(orders.plain), swapped: Array(orders.swapped))
            }
            return try gold.enumerated().map { index, letter in
                JudgedPair(
                    truth: try #require(preference(letter)),
                    judgements: orders.map {
                        Judge.Judgement(
                            plain: preference($0.plain[index]),
                            swapped: preference($0.swapped[index])
                        )
                    }
                )
            }
        }
    }

    static func verdicts() throws -> Verdicts {
        let path = try #require(folder) + "/llmbar/verdicts.json"
        return try JSONDecoder().decode(Verdicts.self, from: Data(contentsOf: URL(filePath: path)))
    }
}

private func share(_ count: Int, of total: Int) -> Double { 100 * Double(count) / Double(total) }

private func ballots(_ example: LabelledExample, _ names: [String]) -> [Ballot] {
    names.enumerated().map { index, name in
        Ballot(member: index, name: name, answer: example.answers[index] ?? .unparsed)
    }
}

@Suite(
    "On recorded answers of nine small models, asked one after the other",
    .enabled(if: RecordedData.isThere, "needs COLLAB_DATA, a folder with recorded answers")
)
struct RecordedPollingTests {
    /// The best first, as their accuracies on GSM8K are.
    static let members = [
        "gemma-2-9b-it", "Mistral-Nemo-Instruct-2407", "gpt-3.5-turbo-0125", "Qwen2-7B-Instruct",
        "command-r-plus",
        "Meta-Llama-3-8B-Instruct", "Yi-1.5-9B-Chat", "command-r", "gemma-2-2b-it",
    ]

    /// Accuracies and calls a question were computed by a program of its own.
    @Test(
        "polling that stops when it is sure enough is as accurate as asking all, for a third to a half of the calls",
        arguments: [(0.8, 92.04, 2.78), (0.9, 92.42, 4.43), (2, 92.42, 9)]
    )
    func polling(threshold: Double, accuracy: Double, calls: Double) throws {
        let examples = try RecordedData.gradeSchool().examples(Self.members)
        var (right, asked) = (0, 0)
        for example in examples {
            let all = ballots(example, Self.members)
            var count = 1
            var tally = Aggregation.plurality.count(Array(all.prefix(1)), ties: .firstDeclared)
            while count < all.count, (tally.leaderProbability ?? 0) < threshold {
                count += 1
                tally = Aggregation.plurality.count(Array(all.prefix(count)), ties: .firstDeclared)
            }
            asked += count
            if tally.answer == example.truth { right += 1 }
        }
        #expect(abs(share(right, of: examples.count) - accuracy) < 0.3)
        #expect(abs(Double(asked) / Double(examples.count) - calls) < 0.02)
    }
}

@Suite(
    "On recorded answers to 12,032 questions of MMLU-Pro",
    .enabled(if: RecordedData.isThere, "needs COLLAB_DATA, a folder with recorded answers")
)
struct RecordedTeamTests {
    static let mixed = [
        "gemini-1.5-pro-002", "gemma-7b", "Mistral-7B-v0.1", "Yi-6B", "Llama-2-13b-hf",
    ]
    @Test("twenty labelled examples are enough, on average over samples of them")
    func twenty() throws {
        let examples = try RecordedData.letters().examples(Self.mixed)
        var shares: [Double] = []
        for sample in 0..<120 {
            let learned = stride(from: sample, to: examples.count, by: 601).prefix(20).map { examples[$0] }
            let calibration = try Calibration(of: Self.mixed, from: learned, options: 10)
            let vote = Aggregation.logOdds(calibration)
            let asked = stride(from: sample * 7 % 12, to: examples.count, by: 12).map { examples[$0] }
            let right = asked.count {
                vote.count(ballots($0, Self.mixed), ties: .firstDeclared).answer == $0.truth
            }
            shares.append(share(right, of: asked.count))
        }
        // Of all: plurality 53.5, the best one alone 70.0.
        #expect(abs(shares.reduce(0, +) / 120 - 69.4) < 0.3)
        #expect(abs(shares.sorted()[60] - 69.9) < 0.3)
    }

    @Test("errors learned without labels believe a weak majority that errs alike")
    func unlabelled() throws {
        let examples = try RecordedData.letters().examples(Self.mixed, every: 8)
        let learned = try DawidSkene(
            of: Self.mixed,
            from: examples.map(\.answers),
            smoothing: 0,
            iterations: 30
        )
        let right = zip(learned.answers, examples).count { $0 == $1.truth }
        let best = examples.count { $0.isRight(0) == true }
        #expect(share(right, of: examples.count) < share(best, of: examples.count) - 15)
        print("Dawid–Skene \(share(right, of: examples.count)) %, best \(share(best, of: examples.count)) %")
    }
}

@Suite(
    "On recorded verdicts over 419 pairs of LLMBar",
    .enabled(if: RecordedData.isThere, "needs COLLAB_DATA, a folder with recorded answers")
)
struct RecordedJudgesTests {
    /// A judge and the report's figures: right in either order, the same in both, and right when the same, in per cent.
    struct Recorded: Sendable, CustomTestStringConvertible {
        var judge: String
        var prompt: String
        var plain: Double
        var swapped: Double
        var consistent: Double
        var rightWhenConsistent: Double
        var testDescription: String { "\(judge), \(prompt)" }
    }

    static let judges = [
        Recorded(
            judge: "GPT-4",
            prompt: "Vanilla",
            plain: 82.8,
            swapped: 86.2,
            consistent: 92.8,
            rightWhenConsistent: 87.1
        ),
        Recorded(
            judge: "GPT-4",
            prompt: "Metrics_Reference",
            plain: 86.2,
            swapped: 88.3,
            consistent: 91.6,
            rightWhenConsistent: 90.6
        ),
        Recorded(
            judge: "ChatGPT",
            prompt: "Vanilla",
            plain: 40.6,
            swapped: 39.4,
            consistent: 65.9,
            rightWhenConsistent: 34.8
        ),
        Recorded(
            judge: "LLaMA2",
            prompt: "Vanilla",
            plain: 44.2,
            swapped: 44.2,
            consistent: 74.9,
            rightWhenConsistent: 42.4
        ),
        Recorded(
            judge: "Falcon",
            prompt: "CoT",
            plain: 51.6,
            swapped: 52.5,
            consistent: 12.6,
            rightWhenConsistent: 67.9
        ),
    ]

    @Test("judges contradict themselves as often as was found", arguments: judges)
    func consistency(recorded: Recorded) throws {
        let pairs = try RecordedData.verdicts().pairs([(recorded.judge, recorded.prompt)])
        let judgements = pairs.map { (pair: $0, judgement: $0.judgements[0]) }
        #expect(
            abs(share(judgements.count { $0.judgement?.plain == $0.pair.truth }, of: 419) - recorded.plain)
                < 0.3
        )
        #expect(
            abs(
                share(judgements.count { $0.judgement?.swapped == $0.pair.truth }, of: 419) - recorded.swapped
            ) < 0.3
        )
        let consistent = judgements.filter { $0.judgement?.isConsistent == true }
        let right = consistent.count { $0.judgement?.preference == $0.pair.truth }
        #expect(abs(share(consistent.count, of: 419) - recorded.consistent) < 0.3)
        #expect(abs(share(right, of: consistent.count) - recorded.rightWhenConsistent) < 0.3)
        let calibration = try Calibration(ofJudges: ["judge"], from: pairs)
        // Of the pairs on which it can be read in both orders.
        let read = judgements.count { $0.judgement?.plain != nil && $0.judgement?.swapped != nil }
        let expected = Double(consistent.count) / Double(read)
        #expect(calibration["judge"]?.orderConsistency.map { abs($0 - expected) < 1e-12 } == true)
        // A judge below chance has no say.
        #expect((calibration.weight(of: "judge", gate: nil) > 0) == (recorded.plain + recorded.swapped > 100))
    }

    @Test("a calibrated panel is better than its best judge, where one of equal votes is far worse")
    func panel() throws {
        let names = ["ChatGPT-0301", "Falcon", "GPT-4", "LLaMA2", "PaLM2"]
        let pairs = try RecordedData.verdicts().pairs(names.map { ($0, "Reference") })
        let calibration = try Calibration(ofJudges: names, from: pairs)
        func right(_ weigh: (String) -> Double) -> Double {
            100
                * pairs.reduce(0.0) { sum, pair in
                    let balance = zip(names, pair.judgements).reduce(0.0) { sum, vote in
                        switch vote.1?.preference {
                        case .first: sum + weigh(vote.0)
                        case .second: sum - weigh(vote.0)
                        case nil: sum
                        }
                    }
                    // A tie is right half of the time.
                    if abs(balance) < 1e-12 { return sum + 0.5 }
                    return sum + ((balance > 0) == (pair.truth == .first) ? 1 : 0)
                } / Double(pairs.count)
        }
        // The report's figures: five equal votes in both orders, GPT-4 alone, votes weighed by log-odds.
        #expect(abs(right { _ in 1 } - 71.0) < 0.3)
        #expect(abs(right { $0 == "GPT-4" ? 1 : 0 } - 85.8) < 0.3)
        #expect(abs(right { calibration.weight(of: $0, gate: nil) } - 87.1) < 0.3)
    }
}

@Suite(
    "On recorded solutions of four systems to 1,319 problems of GSM8K",
    .enabled(if: RecordedData.isThere, "needs COLLAB_DATA, a folder with recorded answers")
)
struct RecordedSolutionsTests {
    private struct Row: Decodable {
        struct Solution: Decodable { var is_correct: Bool, solution: String }
        var ground_truth: String
        var sixFinetuned: Solution
        var sixVerified: Solution
        var largeFinetuned: Solution
        var largeVerified: Solution

        enum CodingKeys: String, CodingKey {
            case ground_truth
            case sixFinetuned = "6b_finetuning"
            case sixVerified = "6b_verification"
            case largeFinetuned = "175b_finetuning"
            case largeVerified = "175b_verification"
        }
    }

    @Test("numbers are read as those who graded them read them")
    func grading() throws {
        let path = try #require(RecordedData.folder) + "/gsm8k/example_model_solutions.jsonl"
        let lines = try Data(contentsOf: URL(filePath: path)).split(separator: UInt8(ascii: "\n"))
        // Every fourth problem, for the time that it takes.
        let rows = try stride(from: 0, to: lines.count, by: 4).map {
            try JSONDecoder().decode(Row.self, from: Data(lines[$0]))
        }
        var (agreed, all) = (0, 0)
        for row in rows {
            let truth = AnswerFormat.numeric.answer(in: row.ground_truth)
            for solution in [row.sixFinetuned, row.sixVerified, row.largeFinetuned, row.largeVerified] {
                all += 1
                if (AnswerFormat.numeric.answer(in: solution.solution) == truth) == solution.is_correct {
                    agreed += 1
                }
            }
        }
        #expect(share(agreed, of: all) > 99.5)
        print("read as graded: \(agreed) of \(all)")
    }
}

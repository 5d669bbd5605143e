import Collab
import CollabBackends
import Foundation
import Testing

extension RecordedTeams {
    /// MMLU-Pro as some models answered it, one letter a question: question k is called “Question k”.
    static func letters(_ members: [String]) throws -> (answers: RecordedAnswers, truths: [Answer]) {
        struct File: Decodable {
            struct Model: Decodable { var answers: String }
            var gold: String
            var models: [String: Model]
        }
        let file = try JSONDecoder().decode(File.self, from: try data("mmlu-pro/answers.json"))
        let letters = try members.map { Array(try #require(file.models[$0]).answers) }
        let rows = file.gold.indices.enumerated().map { row, _ -> [String: String] in
            var cells = ["question": "Question \(row)"]
            for (name, letters) in zip(members, letters) {
                // A point stands for an answer that could not be read, a question mark for none.
                cells[name] = letters[row] == "." || letters[row] == "?" ? "" : String(letters[row])
            }
            return cells
        }
        let columns = Dictionary(uniqueKeysWithValues: members.map { ($0, $0) })
        return (try recorded(rows, columns), file.gold.map { .value(String($0)) })
    }
}

@Suite(
    "Teams of recorded models on 12,032 questions of MMLU-Pro",
    .enabled(if: RecordedAnswersTests.data != nil, "set COLLAB_DATA to a folder with text/mmlu-pro")
)
struct RecordedLettersTests {
    /// A team and its figures, in per cent, computed from the same file by a program of its own.
    struct Team: Sendable, CustomTestStringConvertible {
        var name: String
        var members: [String]
        var best: Double
        var plurality: Double
        /// Learned on each sixth of the questions in turn, counted on the others.
        var weighted: Double
        var oracle: Double
        var testDescription: String { name }
    }

    static let mixed = [
        "gemini-1.5-pro-002", "gemma-7b", "Mistral-7B-v0.1", "Yi-6B", "Llama-2-13b-hf",
    ]
    static let teams = [
        Team(
            name: "three strong ones",
            members: ["gemini-1.5-pro-002", "gemini-1.5-flash-002", "Meta-Llama-3_1-70B-Instruct"],
            best: 70.04,
            plurality: 71.9,
            weighted: 71.86,
            oracle: 82.55
        ),
        Team(
            name: "five open ones of about seventy billion parameters",
            members: [
                "Meta-Llama-3_1-70B-Instruct", "Qwen1.5-110B", "Qwen1.5-72B-Chat", "Meta-Llama-3-70B",
                "jamba-1.5-large",
            ],
            best: 62.8,
            plurality: 63.4,
            weighted: 63.35,
            oracle: 80.6
        ),
        Team(
            name: "five of about eight billion parameters",
            members: [
                "Meta-Llama-3_1-8B-Instruct", "Phi-3-mini-4k-instruct", "mathstral-7B", "gemma-7b",
                "Mistral-7B-Instruct-v0.2",
            ],
            best: 44.17,
            plurality: 47.9,
            weighted: 48.19,
            oracle: 70.9
        ),
        Team(
            name: "nine open ones of 4 to 47 billion parameters",
            members: [
                "Meta-Llama-3_1-8B-Instruct", "Phi-3-mini-4k-instruct", "mathstral-7B", "gemma-7b",
                "Mixtral-8x7B-Instruct-v0.1", "Yi-34B", "c4ai-command-r-v01", "Qwen1.5-7B-Chat",
                "Mistral-7B-v0.1",
            ],
            best: 44.17,
            plurality: 51.06,
            weighted: 51.59,
            oracle: 80.42
        ),
        Team(
            name: "a strong one and four weak ones",
            members: mixed,
            best: 70.04,
            plurality: 53.5,
            weighted: 65.10,
            oracle: 80.3
        ),
    ]

    private func vote(_ answers: RecordedAnswers, _ names: [String], _ aggregation: Aggregation)
        -> some TextModel
    {
        Vote("vote", VoteRules(answers: RecordedTeams.format, aggregation: aggregation)) {
            names.map { answers.model($0) as any TextModel }
        }
    }

    /// What each member answered each question, as a vote of equal votes saw it.
    private func examples(
        _ answers: RecordedAnswers,
        _ truths: [Answer],
        _ names: [String]
    ) async throws -> [LabelledExample] {
        let equal = vote(answers, names, .plurality)
        var examples: [LabelledExample] = []
        for (question, truth) in zip(answers.questions, truths) {
            let talk = try #require(try await equal.respond(to: question).trace?.talks.first)
            let held = Dictionary(uniqueKeysWithValues: zip(talk.members, talk.answers(after: 0)))
            examples.append(LabelledExample(truth: truth, answers: names.map { held[$0] ?? nil }))
        }
        return examples
    }

    /// How often a collaboration is right about some of the questions, in per cent.
    private func accuracy(
        _ team: some TextModel,
        _ answers: RecordedAnswers,
        _ truths: [Answer],
        where isAsked: (Int) -> Bool = { _ in true }
    ) async throws -> (right: Int, asked: Int) {
        var (right, asked) = (0, 0)
        for (row, truth) in truths.enumerated() where isAsked(row) {
            asked += 1
            let text = try await team.respond(to: answers.questions[row]).text
            if RecordedTeams.format.answer(in: text) == truth { right += 1 }
        }
        return (right, asked)
    }

    private func share(_ count: (right: Int, asked: Int)) -> Double {
        100 * Double(count.right) / Double(count.asked)
    }

    @Test("are right as often as computed, by equal votes and by votes that log-odds weigh", arguments: teams)
    func votes(team: Team) async throws {
        let (answers, truths) = try RecordedTeams.letters(team.members)
        #expect(truths.count == 12_032)
        let examples = try await examples(answers, truths, team.members)
        let calibration = try Calibration(of: team.members, from: examples, options: 10)
        let best = try #require(calibration.bestSingle)
        #expect(abs(share((best.right, truths.count)) - team.best) < 0.1)
        #expect(abs(100 * (calibration.oracle ?? 0) - team.oracle) < 0.1)
        let plurality = vote(answers, team.members, .plurality(preferring: calibration))
        #expect(abs(share(try await accuracy(plurality, answers, truths)) - team.plurality) < 0.1)
        var weighted = (right: 0, asked: 0)
        for fold in 0..<6 {
            let learned = examples.enumerated().filter { $0.offset % 6 == fold }.map(\.element)
            let calibration = try Calibration(of: team.members, from: learned, options: 10)
            let fold = try await accuracy(
                vote(answers, team.members, .logOdds(calibration, gate: nil)),
                answers,
                truths
            ) { $0 % 6 != fold }
            weighted = (weighted.right + fold.right, weighted.asked + fold.asked)
        }
        #expect(abs(share(weighted) - team.weighted) < 0.1)
    }

    @Test("a hundred labelled examples save a strong member from a weak majority")
    func gated() async throws {
        let (answers, truths) = try RecordedTeams.letters(Self.mixed)
        let examples = try await examples(answers, truths, Self.mixed)
        let learned = examples.enumerated().filter { $0.offset % 120 == 0 }.map(\.element)
        let calibration = try Calibration(of: Self.mixed, from: learned, options: 10)
        let gated = vote(answers, Self.mixed, .logOdds(calibration))
        let right = try await accuracy(gated, answers, truths) { $0 % 120 != 0 }
        #expect(abs(share(right) - 70.04) < 0.3)
    }
}

import Collab
import Foundation
import Testing

/// Recorded answers of real models, where the folder that `COLLAB_DATA` names is there.
enum RecordedData {
    static let folder = ProcessInfo.processInfo.environment["COLLAB_DATA"].map { $0 + "/text" }
    static var isThere: Bool {
        folder.map { FileManager.default.fileExists(atPath: $0 + "/zeroeval") } ?? false
    }

    /// GSM8K as some models answered it.
    struct Grades: Decodable {
        struct Model: Decodable { var answers: [String?] }
        var gold: [String]
        var models: [String: Model]

        func examples(_ names: [String]) -> [LabelledExample] {
            gold.indices.map { row in
                LabelledExample(
                    truth: .value(gold[row]),
                    answers: names.map { name in
                        let answer = (models[name]?.answers[row] ?? nil) ?? ""
                        return answer.isEmpty ? .unparsed : .value(answer)
                    }
                )
            }
        }
    }

    static func gradeSchool() throws -> Grades {
        let path = try #require(folder) + "/zeroeval/gsm8k-answers.json"
        return try JSONDecoder().decode(Grades.self, from: Data(contentsOf: URL(filePath: path)))
    }
}

@Suite(
    "On recorded answers to 1,319 problems of GSM8K",
    .enabled(if: RecordedData.isThere, "needs COLLAB_DATA, a folder with recorded answers")
)
struct RecordedVotesTests {
    /// A pool and what was computed over it by a program of its own, in per cent.
    struct Pool: Sendable, CustomTestStringConvertible {
        var name: String
        var members: [String]
        var best: Double
        var plurality: Double
        var oracle: Double
        var testDescription: String { name }
    }

    static let pools = [
        Pool(
            name: "five of about eight billion parameters",
            members: [
                "Meta-Llama-3-8B-Instruct", "Qwen2-7B-Instruct", "Mistral-Nemo-Instruct-2407",
                "gemma-2-9b-it",
                "Yi-1.5-9B-Chat",
            ],
            best: 87.41,
            plurality: 91.74,
            oracle: 96.51
        ),
        Pool(
            name: "five weak ones",
            members: [
                "gemma-2-2b-it", "command-r", "Mixtral-8x7B-Instruct-v0.1", "Yi-1.5-9B-Chat",
                "Meta-Llama-3-8B-Instruct",
            ],
            best: 78.54,
            plurality: 85.60,
            oracle: 93.56
        ),
    ]

    private func share(_ count: Int, of total: Int) -> Double { 100 * Double(count) / Double(total) }

    private func ballots(_ example: LabelledExample, _ names: [String]) -> [Ballot] {
        names.enumerated().map { index, name in
            Ballot(member: index, name: name, answer: example.answers[index] ?? .unparsed)
        }
    }

    @Test("votes are right as often as computed independently", arguments: pools)
    func votes(pool: Pool) throws {
        let examples = try RecordedData.gradeSchool().examples(pool.members)
        let calibration = try Calibration(of: pool.members, from: examples)
        let best = try #require(calibration.members.map(\.right).max())
        #expect(abs(share(best, of: examples.count) - pool.best) < 0.3)
        let vote = Aggregation.plurality(preferring: calibration)
        let right = examples.count {
            vote.count(ballots($0, pool.members), ties: .firstDeclared).answer == $0.truth
        }
        #expect(abs(share(right, of: examples.count) - pool.plurality) < 0.3)
        let oracle = examples.count { $0.answers.contains($0.truth) }
        #expect(abs(share(oracle, of: examples.count) - pool.oracle) < 0.3)
        print(
            "\(pool.name): best \(share(best, of: examples.count)) %, plurality \(share(right, of: examples.count)) %,"
                + " oracle \(share(oracle, of: examples.count)) %, effective votes \(calibration.effectiveVotes ?? 0)"
        )
    }

    @Test("five models are worth two votes")
    func effectiveVotes() throws {
        let examples = try RecordedData.gradeSchool().examples(Self.pools[0].members)
        let calibration = try Calibration(of: Self.pools[0].members, from: examples)
        #expect(abs((calibration.effectiveVotes ?? 0) - 2.1) < 0.05)
    }

    @Test("four of five small models in agreement, else a large one, is better than the large one alone")
    func cascade() throws {
        let names = Self.pools[0].members + ["gpt-4o-2024-08-06"]
        let examples = try RecordedData.gradeSchool().examples(names)
        var (right, escalated) = (0, 0)
        for example in examples {
            let tally = Aggregation.plurality.count(
                Array(ballots(example, names).prefix(5)),
                ties: .firstDeclared
            )
            let isAgreed = tally.winner.map { tally.candidates[$0].ballots.count >= 4 } ?? false
            if !isAgreed { escalated += 1 }
            if (isAgreed ? tally.answer : example.answers[5]) == example.truth { right += 1 }
        }
        #expect(abs(share(right, of: examples.count) - 96.44) < 0.3)
        #expect(abs(share(escalated, of: examples.count) - 22.1) < 0.3)
    }
}

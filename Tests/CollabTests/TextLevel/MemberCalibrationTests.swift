import Collab
import CollabTesting
import Foundation
import Testing

@Suite("A calibration")
struct MemberCalibrationTests {
    /// A strong member, and two weak ones that make the same errors.
    private func examples(_ count: Int = 20) -> [LabelledExample] {
        (0..<count).map { index in
            let weak = Answer.value(index % 4 == 0 ? "right" : "wrong")
            let strong = Answer.value(index % 10 == 0 ? "wrong" : "right")
            return LabelledExample(truth: .value("right"), answers: [strong, weak, weak])
        }
    }

    private func calibration() throws -> Calibration {
        try Calibration(of: ["strong", "weak", "twin"], from: examples(), options: 4)
    }

    private func ballots(_ answers: String...) -> [Ballot] {
        answers.enumerated().map { index, answer in
            Ballot(
                member: index,
                name: ["strong", "weak", "twin"][index],
                answer: answer.isEmpty ? .unparsed : .value(answer)
            )
        }
    }

    @Test("smooths accuracies by one right and one wrong example")
    func accuracy() throws {
        let calibration = try calibration()
        #expect(calibration.members.map(\.right) == [18, 5, 5])
        #expect(calibration["strong"]?.accuracy == 19.0 / 22)
        #expect(calibration["weak #2"]?.accuracy == 6.0 / 22)
        #expect(calibration["stranger"] == nil)
        #expect(calibration.bestSingle?.name == "strong")
    }

    @Test("counts what could not be read as wrong")
    func unparsed() throws {
        let examples = (0..<20).map { _ in LabelledExample(truth: .value("1"), answers: [.unparsed, nil]) }
        let calibration = try Calibration(of: ["a", "b"], from: examples)
        #expect(calibration.members.map(\.unparsed) == [20, 0])
        #expect(calibration.members.map(\.asked) == [20, 0])
        #expect(calibration["b"]?.accuracy == 0.5)
    }

    @Test("knows what a perfect judge would reach, and what so many equal votes are worth")
    func agreement() throws {
        // Of twenty: on 0, 4, 8, 12, 16 the weak ones are right, on 0 and 10 the strong one is wrong.
        let calibration = try calibration()
        #expect(calibration.oracle == 19.0 / 20)
        // All agree on 4, 8, 12, 16 (right) and 10 (wrong); the weak outvote the strong one on 0, rightly, and wrongly
        // on the other fourteen.
        #expect(
            calibration.agreements == [
                .init(votes: 2, right: 1, asked: 15), .init(votes: 3, right: 4, asked: 5),
            ]
        )
        #expect(calibration.agreements?.last?.accuracy == 5.0 / 7)
        #expect(calibration.votes(reaching: 0.7) == 3)
        #expect(calibration.votes(reaching: 0.1) == 2)
        #expect(calibration.votes(reaching: 0.8) == nil)
        #expect(calibration.votes(reaching: .nan) == nil)
        #expect(Calibration(members: []).votes(reaching: 0) == nil)
    }

    @Test("tells a debate how many equal votes are enough, as many as were seen to be")
    func learnedStopping() async throws {
        func calls(reaching accuracy: Double) async throws -> Int {
            let rules = DebateRules(
                rounds: 1,
                answers: .numeric,
                until: .votes(reaching: accuracy, by: try calibration())
            )
            let debate = Debate("debate", rules) {
                debater("strong", "1"); debater("weak", "2"); debater("twin", "2")
            }
            return try await debate.respond(to: "?").usage.calls
        }
        #expect(try await calls(reaching: 0.1) == 3)
        #expect(try await calls(reaching: 0.7) == 6)
        #expect(try await calls(reaching: 0.99) == 6)
    }

    @Test("refuses fewer than twenty examples, and examples that do not fit the team")
    func refusals() {
        #expect(throws: CollabError.self) { try Calibration(of: ["a", "b", "c"], from: examples(19)) }
        #expect(throws: CollabError.self) { try Calibration(of: ["a", "b"], from: examples()) }
    }

    @Test("weighs votes by log-odds among the options, and keeps weak members out")
    func weights() throws {
        let calibration = try calibration()
        // ln(p (K − 1) / (1 − p)) with p = 19/22 and 6/22, by hand.
        #expect(abs(calibration.weight(of: "strong") - log(19.0 / 3 * 3)) < 1e-12)
        #expect(calibration.weight(of: "weak") == 0)
        #expect(abs(calibration.weight(of: "weak", gate: nil) - log(6.0 / 16 * 3)) < 1e-12)
        #expect(calibration.weight(of: "stranger") == 0)
    }

    @Test("lets a strong member win against a weak majority, which a plurality does not")
    func weakMajority() throws {
        let calibration = try calibration()
        let votes = ballots("yes", "no", "no")
        #expect(Aggregation.plurality.count(votes, ties: .firstDeclared).answer == .value("no"))
        #expect(Aggregation.logOdds(calibration).count(votes, ties: .firstDeclared).answer == .value("yes"))
        #expect(
            Aggregation.bestMember(calibration).count(votes, ties: .firstDeclared).answer == .value("yes")
        )
        let silent = ballots("", "no", "perhaps")
        #expect(Aggregation.logOdds(calibration).count(silent, ties: .firstDeclared).answer == .value("no"))
    }

    @Test("breaks the ties of a plurality in favour of the more accurate member")
    func ties() throws {
        let votes = ballots("", "no", "yes")
        var calibration = try calibration()
        calibration.members[2].right = 9
        let tally = Aggregation.plurality(preferring: calibration).count(votes, ties: .firstDeclared)
        #expect(tally.answer == .value("yes"))
        #expect(tally.tieRule == nil)
    }

    @Test("knows that members who err together are one vote")
    func effectiveVotes() throws {
        let twins = (0..<20).map { index in
            let answer = Answer.value(index % 2 == 0 ? "right" : "wrong")
            return LabelledExample(truth: .value("right"), answers: [answer, answer])
        }
        let same = try Calibration(of: ["a", "b"], from: twins)
        #expect(same.errorCorrelations == [[1, 1], [1, 1]])
        #expect(same.effectiveVotes == 1)
        let apart = (0..<20).map { index in
            LabelledExample(
                truth: .value("right"),
                answers: [
                    .value(index % 2 == 0 ? "right" : "wrong"),
                    .value(index / 2 % 2 == 0 ? "right" : "wrong"),
                ]
            )
        }
        #expect(try Calibration(of: ["a", "b"], from: apart).effectiveVotes == 2)
    }

    @Test("chooses an independent member rather than a twin of the best one")
    func team() throws {
        var examples: [LabelledExample] = []
        for index in 0..<20 {
            let first = Answer.value(index % 5 == 0 ? "wrong" : "right")
            let other = Answer.value(index % 5 == 1 ? "wrong" : "right")
            examples.append(LabelledExample(truth: .value("right"), answers: [first, first, other]))
        }
        let calibration = try Calibration(of: ["best", "twin", "other"], from: examples)
        #expect(calibration.team(of: 2) == ["best", "other"])
        #expect(calibration.team(of: 9) == ["best", "twin", "other"])
    }

    @Test("lets nobody hear a member that is worse than chance")
    func masking() throws {
        let examples = (0..<20).map { _ in
            LabelledExample(truth: .value("1"), answers: [.value("1"), .value("2"), .value("1")])
        }
        let calibration = try Calibration(of: ["a", "broken", "c"], from: examples)
        let topology = calibration.maskingWorst()
        #expect((0..<3).map { topology.heard(by: $0, of: 3) } == [[2], [0, 2], [0]])
    }

    @Test("is kept as JSON")
    func json() throws {
        let calibration = try calibration()
        let data = try JSONEncoder().encode(calibration)
        #expect(try JSONDecoder().decode(Calibration.self, from: data) == calibration)
    }
}

@Suite("A calibration by kind, cost and order")
struct DetailedCalibrationTests {
    private func example(_ index: Int, kind: String?) -> LabelledExample {
        LabelledExample(
            truth: .value("1"),
            answers: [.value(kind == "sums" ? "1" : "2"), .value("1")],
            kind: kind,
            costs: [Money(0.002), index % 2 == 0 ? Money(0.004) : nil],
            latencies: [.milliseconds(index % 2 == 0 ? 100 : 300), nil]
        )
    }

    @Test("learns mean costs and latencies, of what was measured")
    func costs() throws {
        let calibration = try Calibration(of: ["a", "b"], from: (0..<20).map { example($0, kind: nil) })
        #expect(calibration.members.map(\.cost) == [Money(0.002), Money(0.004)])
        #expect(calibration.members.map(\.latency) == [.milliseconds(200), nil])
        #expect(calibration.kinds == nil)
    }

    @Test("tells kinds of tasks apart where there are examples enough")
    func kinds() throws {
        let examples =
            (0..<20).map { example($0, kind: "sums") } + (0..<30).map { example($0, kind: "dates") }
            + [example(0, kind: "rare")]
        let calibration = try Calibration(of: ["a", "b"], from: examples)
        #expect(calibration[kind: "sums"]["a"]?.right == 20)
        #expect(calibration[kind: "dates"]["a"]?.right == 0)
        #expect(calibration[kind: "dates"].weight(of: "a") == 0)
        #expect(calibration[kind: "rare"] == calibration)
        #expect(calibration[kind: nil] == calibration)
        let data = try JSONEncoder().encode(calibration)
        #expect(try JSONDecoder().decode(Calibration.self, from: data) == calibration)
    }

    @Test("reads what was written before kinds were told apart")
    func olderFile() throws {
        let older = """
            {"members":[{"name":"a","right":15,"asked":20,"unparsed":1}],"options":4,"errorCorrelations":[[1]]}
            """
        let calibration = try JSONDecoder().decode(Calibration.self, from: Data(older.utf8))
        #expect(calibration["a"]?.accuracy == 16.0 / 22)
        #expect(calibration.kinds == nil)
        let turn = #"{"round":0,"speaker":"a","heard":[],"answer":{"value":{"_0":"1"}}}"#
        #expect(try JSONDecoder().decode(Turn.self, from: Data(turn.utf8)).messages == nil)
    }

    @Test("knows how often a judge contradicts itself, and how often it is right in either order")
    func judges() throws {
        let pairs = (0..<20).map { index in
            JudgedPair(
                truth: .first,
                judgements: [
                    Judge.Judgement(plain: .first, swapped: index < 5 ? .second : .first),
                    index == 0 ? nil : Judge.Judgement(plain: .second, swapped: index < 10 ? nil : .second),
                ]
            )
        }
        let calibration = try Calibration(ofJudges: ["careful", "wrong"], from: pairs)
        #expect(calibration.members.map(\.orderConsistency) == [0.75, 1])
        #expect(calibration.members.map(\.right) == [35, 0])
        #expect(calibration.members.map(\.asked) == [40, 38])
        #expect(calibration.members.map(\.unparsed) == [0, 9])
        #expect(calibration.weight(of: "wrong", gate: nil) == 0)
        let biased = (0..<20).map { index in
            JudgedPair(
                truth: index % 2 == 0 ? .first : .second,
                judgements: [Judge.Judgement(plain: .first, swapped: .second)]
            )
        }
        // Whoever follows the order is right by chance alone.
        #expect(try Calibration(ofJudges: ["biased"], from: biased).weight(of: "biased", gate: nil) == 0)
        #expect(throws: CollabError.self) { try Calibration(ofJudges: ["one"], from: pairs) }
    }

    @Test("from a file whose figures do not fit together is used as far as they do")
    func unfitting() throws {
        let file = """
            {"options": 4, "errorCorrelations": [[1, 0.5], [0.5]], "members": [
                {"name": "a", "right": 9223372036854775807, "asked": 9223372036854775807, "unparsed": 0},
                {"name": "b", "right": 15, "asked": 20, "unparsed": 0}
            ]}
            """
        let calibration = try JSONDecoder().decode(Calibration.self, from: Data(file.utf8))
        #expect(calibration.team(of: 2) == ["a", "b"])
        #expect(calibration.weight(of: "b", gate: nil) > 0)
        let tally = #"{"rule": "plurality", "candidates": [], "unparsed": 1, "winner": 3}"#
        let read = try JSONDecoder().decode(Tally.self, from: Data(tally.utf8))
        #expect((read.answer, read.share) == (.unparsed, 0))
        #expect(Topology.random(density: .nan).density(of: 3) > 0)
    }
}

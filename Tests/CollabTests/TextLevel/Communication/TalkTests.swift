import Collab
import CollabTesting
import Testing

/// A talk from what each member answers, round by round; members hear everybody who has spoken before the round. An empty
/// text stands for what could not be read.
func talk(_ rounds: [[String]], truth: String? = nil, outcome: String? = nil, tokens: Int = 10) -> Talk {
    func answer(_ text: String) -> Answer { text.isEmpty ? .unparsed : .value(text) }
    let names = ["a", "b", "c", "d", "e"]
    var turns: [Turn] = []
    for (round, answers) in rounds.enumerated() {
        for (member, text) in answers.enumerated() {
            let others = round > 0 ? answers.indices.filter { $0 != member } : []
            turns.append(
                Turn(
                    round: round,
                    speaker: names[member],
                    heard: others.map { names[$0] },
                    answer: answer(text),
                    before: round > 0 ? answer(rounds[round - 1][member]) : nil,
                    messages: others.map { other in
                        Turn.Message(
                            author: names[other],
                            round: round - 1,
                            answer: answer(rounds[round - 1][other]),
                            tokens: tokens
                        )
                    },
                    usage: Usage(promptTokens: 2 * tokens, completionTokens: tokens)
                )
            )
        }
    }
    return Talk(turns: turns, outcome: outcome.map(answer), truth: truth.map(answer))
}

@Suite("A talk")
struct TalkTests {
    private func debate(_ members: [ScriptedModel]) -> some TextModel {
        Debate(rounds: 2, answers: .numeric) { for member in members { member } }
    }

    @Test("is the same, read from the events of a run as they come and from its trace")
    func liveAndReplayed() async throws {
        let run = Run()
        let events = run.events
        let reader = Task {
            var log = TalkLog()
            for await event in events { log.add(event) }
            return log
        }
        let inner = debate([debater("x", "3", "4"), debater("y", "4")]).named("inner")
        let debate = Debate("outer", rounds: 2, answers: .numeric) {
            debater("a", "It is 1", "It is 4 then")
            debater("b", "4")
            inner
        }
        let answer = try await debate.respond(to: "?", in: run)
        reader.cancel()
        let live = await reader.value
        let talks = try #require(answer.trace).talks
        #expect(live.missedEvents == 0)
        #expect(live.talks == talks)
        #expect(talks.map(\.members) == [["a", "b", "inner"], ["x", "y"], ["x", "y"]])
        #expect(talks.map(\.outcome) == [.value("4"), .value("4"), .value("4")])
        #expect(talks[0].answers(after: 0) == [.value("1"), .value("4"), .value("4")])
        #expect(talks[0].answers(after: 1) == [.value("4"), .value("4"), .value("4")])
        #expect(
            talks[1].edges == [
                Talk.Edge(from: "y", to: "x", round: 1, messages: 1, tokens: 1),
                Talk.Edge(from: "x", to: "y", round: 1, messages: 1, tokens: 1),
            ]
        )
    }

    @Test("knows how far its members agree after each round")
    func agreement() {
        let talk = talk([["1", "2", "3", ""], ["1", "1", "3", ""], ["1", "1", "1", "1"]])
        #expect((0...2).map { talk.agreement(after: $0) } == [0.25, 0.5, 1])
        // Four answers of one vote each: the greatest entropy; what could not be read is an answer of its own.
        #expect(talk.entropy(after: 0) == 1)
        // −(½ ln ½ + 2 · ¼ ln ¼) ∕ ln 4 = 0.75, by hand; ∕ ln 3 if three answers are possible.
        #expect(abs(talk.entropy(after: 1) - 0.75) < 1e-12)
        #expect(abs(talk.entropy(after: 1, options: 3) - 0.946394630357) < 1e-9)
        #expect(talk.entropy() == 0)
        #expect(talk.leaders(after: 0) == [.value("1"), .value("2"), .value("3")])
        #expect(Talk().agreement() == 0)
        #expect(Talk().entropy() == 0)
    }

    @Test("knows who changed its mind, and to whose answer")
    func flips() {
        let flips = talk([["1", "2", "2"], ["2", "1", "2"], ["1", "1", "1"]]).flips
        #expect(flips.map(\.member) == ["a", "b", "a", "c"])
        #expect(flips.map(\.isReturn) == [false, false, true, false])
        // b left two equal answers for the one that its others held as often; c followed nobody but b.
        #expect(flips.map(\.isConforming) == [true, true, true, true])
        #expect(flips.map(\.joined) == [["b", "c"], ["a"], ["b"], ["b"]])
        let own = talk([["1", "2", "2"], ["3", "2", "2"]]).flips
        #expect(own.map(\.isConforming) == [false])
        #expect(own.map(\.joined) == [[]])
    }

    @Test("knows when it goes round in circles")
    func circles() {
        #expect(talk([["1", "2"], ["2", "1"], ["1", "2"]]).isCircling)
        #expect(!talk([["1", "2"], ["1", "2"], ["1", "2"]]).isCircling)
        #expect(!talk([["1", "2"], ["2", "2"], ["2", "2"]]).isCircling)
    }

    @Test("counts what goes over each edge, and how much of it is said twice")
    func messages() {
        let talk = talk([["1", "1", "2"], ["1", "1", "2"]], tokens: 7)
        #expect(talk.edges.count == 6)
        #expect(talk.edges.allSatisfy { $0.messages == 1 && $0.tokens == 7 && $0.round == 1 })
        // c hears the same answer twice; a and b hear two different ones.
        #expect(talk.redundancy == 1.0 / 6)
        #expect(Talk().redundancy == nil)
        // What could not be read repeats nothing.
        #expect(Collab.Talk(turns: TalkTests.unreadable).redundancy == 0)
    }

    private static var unreadable: [Turn] {
        talk([["", "", "1"], ["", "", "1"]]).turns.filter { $0.speaker == "c" }
    }

    @Test("of a debate shows one statement a group, and records how alike a member's statements are")
    func recorded() async throws {
        let debate = Debate("debate", DebateRules(rounds: 1, answers: .numeric)) {
            debater("a", "It is surely 1", "It is surely 1")
            debater("b", "2")
            debater("c", "I say 2")
        }
        let talk = try #require(try await debate.respond(to: "?").trace?.talks.first)
        let turn = try #require(talk.turns.first { $0.speaker == "a" && $0.round == 1 })
        #expect(turn.heard == ["b", "c"])
        #expect(turn.messages == [Turn.Message(author: "b", round: 0, answer: .value("2"), tokens: 1)])
        #expect(turn.repetition == 1)
        #expect(turn.usage?.completionTokens == 4)
        #expect(talk.turns[0].repetition == nil)
    }
}

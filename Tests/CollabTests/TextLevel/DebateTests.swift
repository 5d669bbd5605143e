import Collab
import CollabTesting
import Testing

/// A member that gives one answer in each round, and the next only when it is asked again.
func debater(_ name: String, _ answers: ScriptedAnswer...) -> ScriptedModel {
    ScriptedModel(name) { (_, call) throws(CollabError) in answers[min(call, answers.count - 1)] }
}

@Suite("A debate")
struct DebateTests {
    @Test("of members who agree from the start is no debate")
    func unanimousStart() async throws {
        let members = ["a", "b", "c"].map { debater($0, "The answer is 42.") }
        let debate = Debate(rounds: 2, answers: .numeric) { for member in members { member } }
        let answer = try await debate.respond(to: "What is 17 + 25?")
        #expect(answer.text == "The answer is 42.")
        #expect(answer.usage.calls == 3)
        #expect(debate.callRange == 3...9)
        let root = try #require(answer.trace?.root)
        #expect(root.note("ended by") == "unanimity, after the opening")
        #expect(root.children.map(\.name) == ["opening"])
        #expect(root.confidence == 1)
    }

    @Test("shows each member what differs from its own answer, and ends when all agree")
    func exchange() async throws {
        let (a, b, c) = (
            debater("a", "It is 41.", "It is 42."), debater("b", "It is 42."), debater("c", "42, surely.")
        )
        let debate = Debate(rounds: 2, answers: .numeric) {
            a; b; c
        }
        let answer = try await debate.respond(to: "What is 17 + 25?")
        #expect(answer.text == "It is 42.")
        #expect(answer.usage.calls == 6)
        // The member in the minority sees one example of the other answer, after its own turn.
        #expect(
            a.requests[1].messages == [
                .user("What is 17 + 25?"),
                .assistant("It is 41."),
                .user(
                    """
                    Other answers to this question, some of which may be wrong:
                    Answer 1: It is 42.

                    Check your answer against them and give your final answer. The question was: What is 17 + 25?
                    """
                ),
            ]
        )
        #expect(b.requests[1].question.contains("Answer 1: It is 41."))
        #expect(!b.requests[1].question.contains("42, surely"))
        let root = try #require(answer.trace?.root)
        #expect(root.note("changed") == "a, round 1: 41 → 42")
        #expect(root.note("votes") == "42 ×3")
        #expect(root.note("ended by") == "unanimity, after round 1")
        let turns = root.children.flatMap(\.turns)
        #expect(turns.filter(\.isFlip).map(\.speaker) == ["a"])
        #expect(turns.map(\.heard) == [[], [], [], ["b", "c"], ["a"], ["a"]])
    }

    @Test("ends after its rounds and votes, unparsed answers being no votes")
    func rounds() async throws {
        let debate = Debate(rounds: 1, answers: .numeric) {
            debater("a", "I am not sure", "Hm")
            debater("b", "1")
            debater("c", "2", "2")
            debater("d", "2", "I do not know")
            debater("e", "1", "1")
        }
        let answer = try await debate.respond(to: "?")
        let root = try #require(answer.trace?.root)
        #expect(answer.text == "1")
        #expect(root.note("votes") == "1 ×4, 2 ×3, unparsed ×3")
        #expect(root.note("ended by") == "1 round, after round 1")
        #expect(root.decisions.first?.scores.map(\.candidate) == ["1", "2"])
        #expect(root.decisions.first?.scores.map(\.value) == [4, 3])
        #expect(root.confidence == 0.4)
        #expect(answer.usage.calls == 10)
    }

    @Test(
        "breaks ties by the rule named, and says so",
        arguments: [TieRule.firstDeclared, .highestConfidence, .seeded]
    )
    func ties(rule: TieRule) async throws {
        let debate = Debate("debate", DebateRules(rounds: 0, answers: .numeric, ties: rule)) {
            debater("a", ScriptedAnswer("1", probability: 0.5))
            debater("b", ScriptedAnswer("2", probability: 0.9))
        }
        var seen: Set<String> = []
        for seed in UInt64(0)..<20 {
            let first = try await debate.respond(to: "?", in: Run(seed: seed))
            let second = try await debate.respond(to: "?", in: Run(seed: seed))
            #expect(first.text == second.text)
            seen.insert(first.text)
            #expect(
                first.trace?.root.decisions.first?.reason.contains("tie broken by \(rule.rawValue)") == true
            )
        }
        switch rule {
        case .firstDeclared: #expect(seen == ["1"])
        case .highestConfidence: #expect(seen == ["2"])
        case .seeded: #expect(seen == ["1", "2"])
        }
    }

    @Test("in which no answer can be read takes the surest statement, and says that it did")
    func nothingParsed() async throws {
        let debate = Debate(rounds: 0, answers: .numeric) {
            debater("a", ScriptedAnswer("No idea", probability: 0.2))
            debater("b", ScriptedAnswer("Who knows", probability: 0.3))
        }
        let answer = try await debate.respond(to: "?")
        #expect(answer.text == "Who knows")
        #expect(answer.trace?.root.decisions.first?.choice == "unparsed")
        #expect(answer.trace?.root.confidence == nil)
    }

    @Test("of one member asks it once")
    func alone() async throws {
        let debate = Debate(rounds: 2, answers: .numeric) { debater("a", "Hm") }
        let answer = try await debate.respond(to: "?")
        #expect(answer.usage.calls == 1)
        #expect(debate.callRange == 1...1)
        #expect(answer.trace?.root.note("ended by") == "nothing new to say, after the opening")
    }

    @Test("without members, with negative rounds or a topology that does not fit is refused")
    func invalid() async throws {
        func code(_ debate: some TextModel) async -> CollabError.Code? {
            do throws(CollabError) {
                _ = try await debate.respond(to: "?")
                return nil
            } catch { return error.code }
        }
        let a = debater("a", "1")
        #expect(await code(Debate(rounds: 2) {}) == .emptyTeam)
        #expect(await code(Debate(rounds: -1) { a }) == .invalidRequest)
        #expect(await code(Debate("d", DebateRules(topology: .star(hub: 3))) { a }) == .invalidRequest)
        #expect(await code(Debate("d", DebateRules(topology: .custom([[0], [0]]))) { a }) == .invalidRequest)
    }

    @Test("asks a model that sits at the table twice for two different samples, under two names")
    func twice() async throws {
        let model = ScriptedModel("m", samples: ["1", "2"])
        let debate = Debate(rounds: 0, answers: .numeric) {
            model; model
        }
        let answer = try await debate.respond(to: "?")
        #expect(Set(model.requests.map(\.sample)) == [0, 1])
        #expect(answer.trace?.root.children[0].turns.map(\.speaker) == ["m", "m #2"])
    }

    @Test("shows a text to be continued under the answers of the others")
    func completion() async throws {
        let (a, b) = (debater("a", "1"), debater("b", "2"))
        let debate = Debate(rounds: 1, answers: .numeric) {
            a; b
        }
        _ = try await debate.respond(to: .completion("Question: ?\nAnswer:"))
        #expect(
            a.requests[1].input
                == .completion(
                    """
                    Other answers to this question, some of which may be wrong:
                    Answer 1: 2

                    Question: ?
                    Answer:
                    """
                )
        )
    }

    @Test("streams exactly what it answers, once it is decided")
    func streaming() async throws {
        let debate = Debate(rounds: 1, answers: .numeric) {
            debater("a", "1"); debater("b", "2", "1")
        }
        var text = ""
        var response: Response?
        for try await event in debate.stream("?") {
            if case .text(let piece) = event { text += piece }
            if case .response(let whole) = event { response = whole }
        }
        #expect(text == "1")
        #expect(response?.text == "1")
    }
}

@Suite("Who sees what in a debate")
struct DebateVisibilityTests {
    /// The members heard in each round, by member, in a debate that never agrees.
    private func heard(_ rules: DebateRules, members: Int = 4) async throws -> [[[String]]] {
        let debate = Debate("debate", rules) {
            for index in 0..<members { debater(["a", "b", "c", "d"][index], ScriptedAnswer("\(index)")) }
        }
        let answer = try await debate.respond(to: "?")
        let rounds = try #require(answer.trace?.root.children)
        return rounds.map { round in round.turns.sorted { $0.speaker < $1.speaker }.map(\.heard) }
    }

    @Test("is ruled by the topology")
    func topologies() async throws {
        func first(_ topology: Topology) async throws -> [[String]] {
            try await heard(DebateRules(rounds: 1, answers: .numeric, topology: topology))[1]
        }
        #expect(
            try await first(.complete) == [
                ["b", "c", "d"], ["a", "c", "d"], ["a", "b", "d"], ["a", "b", "c"],
            ]
        )
        #expect(try await first(.ring) == [["b", "d"], ["a", "c"], ["b", "d"], ["a", "c"]])
        #expect(try await first(.star(hub: 1)) == [["b"], ["a", "c", "d"], ["b"], ["b"]])
        // The first of a chain hears nobody and keeps its answer without being asked.
        #expect(try await first(.chain) == [["a"], ["b"], ["c"]])
        #expect(try await first(.custom([[3], [], [0, 1], [2]])) == [["d"], ["a", "b"], ["c"]])
    }

    @Test("is ruled by the visibility")
    func visibility() async throws {
        func lastPrompt(_ visibility: Visibility) async throws -> String {
            let a = debater("a", "1")
            let rules = DebateRules(rounds: 2, answers: .numeric, visibility: visibility)
            let debate = Debate("debate", rules) {
                a
                debater("b", "It is 2", "Still 2", "Always 2")
                debater("c", "I say 2", "I insist on 2")
            }
            _ = try await debate.respond(to: "?")
            return try #require(a.requests.last?.question)
        }
        func answers(_ prompt: String) -> [Substring] {
            prompt.split(separator: "\n").dropFirst().prefix { !$0.hasPrefix("Check") }
        }
        #expect(answers(try await lastPrompt(.grouped)) == ["Answer 1: Still 2"])
        #expect(
            answers(try await lastPrompt(.previousRound)) == ["Answer 1: Still 2", "Answer 2: I insist on 2"]
        )
        #expect(
            answers(try await lastPrompt(.complete))
                == ["b: It is 2", "c: I say 2", "b: Still 2", "c: I insist on 2"]
        )
    }

    @Test("is ruled by the turn order")
    func order() async throws {
        let sequential = try await heard(
            DebateRules(rounds: 1, answers: .numeric, topology: .chain, order: .sequential)
        )
        #expect(sequential[1] == [["a"], ["b"], ["c"]])
        let c = debater("c", "3")
        let rules = DebateRules(rounds: 1, answers: .numeric, order: .sequential)
        let debate = Debate("debate", rules) {
            debater("a", "1", "It became 5")
            debater("b", "2", "It became 6")
            c
        }
        _ = try await debate.respond(to: "?")
        // The last speaker hears what was said in the same round.
        #expect(c.requests[1].question.contains("It became 5"))
        #expect(c.requests[1].question.contains("It became 6"))
    }

    @Test("in a shuffled order depends on the seed alone")
    func shuffled() async throws {
        func speakers(seed: UInt64) async throws -> [String] {
            let debate = Debate("debate", DebateRules(rounds: 1, answers: .numeric, order: .shuffled)) {
                for index in 0..<4 { debater("m\(index)", ScriptedAnswer("\(index)")) }
            }
            let answer = try await debate.respond(to: "?", in: Run(seed: seed))
            return try #require(answer.trace?.root.children[1].turns.map(\.speaker))
        }
        #expect(try await speakers(seed: 1) == speakers(seed: 1))
        var orders: Set<[String]> = []
        for seed in UInt64(0)..<8 { orders.insert(try await speakers(seed: seed)) }
        #expect(orders.count > 1)
    }

    @Test(
        "repeats the end of a long question, which stands whole in front, and the whole of one that does not"
    )
    func longQuestions() async throws {
        let question = "BEGIN " + String(repeating: "word ", count: 300) + "END?"
        for history in [Visibility.OwnHistory.latest, .hidden] {
            let (a, b) = (debater("a", "1"), debater("b", "2"))
            let rules = DebateRules(
                rounds: 1,
                answers: .numeric,
                visibility: Visibility(isGrouped: true, ownHistory: history)
            )
            _ = try await Debate("debate", rules) {
                a; b
            }.respond(to: Request(question))
            let messages = try #require(a.requests.last?.messages)
            #expect(messages.count == (history == .latest ? 3 : 1))
            #expect(messages[0].text.contains("BEGIN"))
            #expect(messages.last?.text.contains("END?") == true)
            #expect(messages.last?.text.contains("BEGIN") == (history == .hidden))
            if history == .latest {
                #expect(messages.last?.text.hasSuffix("…" + question.suffix(120)) == true)
            }
        }
    }

    @Test("cuts long answers to their ends")
    func excerpts() async throws {
        let a = debater("a", "1")
        let rules = DebateRules(rounds: 1, answers: .numeric, prompts: .standard(excerptLength: 10))
        let debate = Debate("debate", rules) {
            a; debater("b", "A long story that ends with 12345")
        }
        _ = try await debate.respond(to: "?")
        #expect(a.requests[1].question.contains("Answer 1: …with 12345\n"))
    }
}

@Suite("When a debate ends")
struct StoppingTests {
    private func ending(_ stopping: Stopping, rounds: Int = 3, _ members: ScriptedModel...) async throws
        -> String?
    {
        let debate = Debate(rounds: rounds, answers: .numeric, until: stopping) {
            for member in members { member }
        }
        return try await debate.respond(to: "?").trace?.root.note("ended by")
    }

    @Test("with a share of equal answers")
    func share() async throws {
        let members = [debater("a", "1"), debater("b", "1"), debater("c", "2")]
        #expect(
            try await ending(.share(above: 0.6), members[0], members[1], members[2])
                == "share above 0.6, after the opening"
        )
        let others = [debater("a", "1"), debater("b", "1"), debater("c", "Hm")]
        #expect(
            try await ending(.share(above: 0.7), others[0], others[1], others[2]) == "3 rounds, after round 3"
        )
        let more = [debater("a", "1"), debater("b", "1"), debater("c", "2")]
        #expect(try await ending(.votes(2), more[0], more[1], more[2]) == "2 equal votes, after the opening")
    }

    @Test("when nobody moves any more")
    func stable() async throws {
        #expect(
            try await ending(.stable, debater("a", "1", "2", "2"), debater("b", "3"))
                == "stable answers, after round 2"
        )
    }

    @Test("as combined rules say")
    func combined() async throws {
        #expect(
            try await ending(.unanimity || .stable, debater("a", "1"), debater("b", "2"))
                == "stable answers, after round 1"
        )
        #expect(
            try await ending(.unanimity && .rounds(2), debater("a", "1"), debater("b", "1"))
                == "nothing new to say, after the opening"
        )
        #expect(
            try await ending(.rounds(1) && .share(above: 0.4), debater("a", "1"), debater("b", "2"))
                == "1 round and share above 0.4, after round 1"
        )
        #expect(
            (Stopping.unanimity || .rounds(1) && .stable).description
                == "(unanimity or (1 round and stable answers))"
        )
    }
}

@Suite("A debate with failing members")
struct DebateFailureTests {
    @Test("goes on if enough members answer, and reports the others")
    func quorum() async throws {
        let debate = Debate("debate", DebateRules(rounds: 1, answers: .numeric)) {
            debater("a", "1")
            debater("b", "2").alwaysFailing()
            debater("c", "1")
        }
        let answer = try await debate.respond(to: "?")
        #expect(answer.text == "1")
        #expect(answer.trace?.root.children[0].note("failed") == "b: serverError")
    }

    @Test("keeps the last answer of a member that fails later")
    func failsLater() async throws {
        let debate = Debate("debate", DebateRules(rounds: 1, answers: .numeric)) {
            debater("a", "1")
            debater("b", "2").failing(on: 2)
            debater("c", "2")
        }
        let answer = try await debate.respond(to: "?")
        #expect(answer.trace?.root.note("votes") == "1 ×2, 2 ×4")
    }

    @Test("votes on the first answers if nobody answers later, unless everybody must")
    func everybodyFailsLater() async throws {
        func debate(_ quorum: Quorum) -> some TextModel {
            Debate("debate", DebateRules(rounds: 2, answers: .numeric, ties: .firstDeclared, quorum: quorum))
            {
                debater("a", "1").failing(on: 2)
                debater("b", "2").failing(on: 2)
            }
        }
        let answer = try await debate(.majority).respond(to: "?")
        #expect(answer.text == "1")
        #expect(answer.trace?.root.note("ended by") == "nobody answered, after round 1")
        let error = await #expect(throws: CollabError.self) { try await debate(.all).respond(to: "?") }
        #expect(error?.code == .serverError)
    }

    @Test(
        "fails if too few members answer",
        arguments: [(Quorum.all, 1), (.majority, 2), (.atLeast(2), 2), (.atLeast(1), 3)]
    )
    func tooFew(quorum: Quorum, failures: Int) async throws {
        let debate = Debate("debate", DebateRules(rounds: 1, answers: .numeric, quorum: quorum)) {
            for index in 0..<3 {
                debater("m\(index)", "1").injecting(.failure(CollabError(.transport, "No."))) { _ in
                    index < failures
                }
            }
        }
        let error = await #expect(throws: CollabError.self) { try await debate.respond(to: "?") }
        #expect(error?.code == .transport)
        #expect(error?.path.contains("opening") == true)
    }

    @Test("stops at once when it is cancelled, in whichever round", arguments: 1...3)
    func cancellation(call: Int) async throws {
        let debate = Debate(rounds: 2, answers: .numeric) {
            debater("a", "1").stalling(on: call)
            debater("b", "2")
        }
        let task = Task { try await debate.respond(to: "?") }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test("gives the best answer so far when the budget is exhausted, and marks it", arguments: 0...9)
    func budget(calls: Int) async throws {
        let debate = Debate(rounds: 2, answers: .numeric) {
            for index in 0..<3 { debater("m\(index)", ScriptedAnswer("\(index)")) }
        }
        let run = Run(budget: .calls(calls))
        if calls == 0 {
            let error = await #expect(throws: CollabError.self) { try await debate.respond(to: "?", in: run) }
            #expect(error?.code == .budgetExhausted)
        } else {
            let answer = try await debate.respond(to: "?", in: run)
            #expect((answer.ending == .budgetExhausted) == (calls < 9))
            #expect(run.usage.calls == calls)
        }
    }
}

import Collab
import CollabTesting
import Testing

@Suite("Protocols of deliberation")
struct DeliberationTests {
    @Test("tell a Delphi group its median and quartiles, as numpy.percentile gives them")
    func delphiFeedback() async throws {
        let members = zip(["a", "b", "c", "d"], ["40", "41", "42", "60"]).map {
            ScriptedModel($0, always: .init($1))
        }
        let panel = Delphi(rounds: 1) { for member in members { member } }
        let answer = try await panel.respond(to: "?")
        let told = members[1].requests[1].question
        #expect(told.contains("Median of the group: 41.5"))
        #expect(told.contains("from 40.75 to 46.5"))
        #expect(told.contains("Reasons for another answer 2: 60"))
        // Nobody is given its own reasons.
        #expect(!members[3].requests[1].question.contains("answer 2"))
        #expect(answer.text == "41")
        #expect(answer.trace?.root.decisions.last?.scores.map(\.value) == [40, 41, 42, 60])
    }

    @Test("end a Delphi study when nobody moves, and leave out what is no number")
    func delphiEnds() async throws {
        let panel = Delphi(rounds: 5) {
            debater("a", "1"); debater("b", "Hm"); debater("c", "3"); debater("d", "5")
        }
        let answer = try await panel.respond(to: "?")
        #expect(answer.usage.calls == 8)
        #expect(answer.text == "3")
    }

    @Test("read fractions in a Delphi study")
    func delphiFractions() async throws {
        let panel = Delphi(rounds: 0) {
            debater("a", "1/3"); debater("b", "0.5"); debater("c", "2/7")
        }
        #expect(try await panel.respond(to: "?").text == "1/3")
    }

    @Test("count rankings that cannot be read, and give them no points")
    func unreadRankings() async throws {
        let panel = NominalGroup(answers: .numeric) {
            debater("a", "1", "whatever"); debater("b", "2", "2"); debater("c", "3", "I rank none")
        }
        let answer = try await panel.respond(to: "?")
        #expect(answer.text == "2")
        #expect(answer.trace?.root.note("rankings not read") == "2")
        #expect(answer.trace?.root.decisions.last?.scores.map(\.value) == [0, 3, 0])
    }

    @Test("break ties in a nominal group by the rule named", arguments: [TieRule.firstDeclared, .seeded])
    func ties(rule: TieRule) async throws {
        var group = NominalGroup(answers: .numeric)
        group.rules.ties = rule
        var seen: Set<String> = []
        for seed in UInt64(0)..<12 {
            let panel = Panel("p", group) {
                debater("a", "1", "1, 2"); debater("b", "2", "2, 1")
            }
            seen.insert(try await panel.respond(to: "?", in: Run(seed: seed)).text)
        }
        #expect(seen == (rule == .seeded ? ["1", "2"] : ["1"]))
    }

    @Test("spare a group that agrees, but not with a devil's advocate")
    func unanimous() async throws {
        func calls(_ panel: some TextModel) async throws -> Int {
            try await panel.respond(to: "?").usage.calls
        }
        func members() -> [any TextModel] { ["a", "b", "c"].map { debater($0, "The answer is 42.") } }
        #expect(try await calls(NominalGroup(answers: .numeric) { members() }) == 3)
        #expect(try await calls(Stepladder(answers: .numeric) { members() }) == 3)
        #expect(try await calls(ConsensusConference(answers: .numeric) { members() }) == 3)
        #expect(try await calls(Delphi(answers: .numeric) { members() }) == 3)
        #expect(try await calls(PeerFeedback(answers: .numeric) { members() }) == 3)
        #expect(try await calls(DevilsAdvocate(answers: .numeric) { members() }) == 7)
    }

    @Test("let a newcomer on the stepladder speak before it has heard the group")
    func stepladder() async throws {
        let c = debater("c", "3")
        let panel = Stepladder(answers: .numeric) {
            debater("a", "1"); debater("b", "2"); c
        }
        _ = try await panel.respond(to: "Why?")
        #expect(c.requests[0].question == "Why?")
        #expect(c.callCount == 2)
    }

    @Test("take no consent from a reply that is neither yes nor no")
    func consent() async throws {
        let panel = ConsensusConference(drafts: 1, answers: .numeric) {
            debater("a", "1", "The answer is 5."); debater("b", "2", "Yes."); debater("c", "2", "Perhaps.")
        }
        let answer = try await panel.respond(to: "?")
        #expect(answer.text == "2")
        #expect(answer.trace?.root.note("consent") == "1 consent, 0 object, 1 unread")
        let lenient = ConsensusConference(drafts: 1, consent: 0.5, answers: .numeric) {
            debater("a", "1", "The answer is 5."); debater("b", "2", "Yes."); debater("c", "2", "Perhaps.")
        }
        #expect(try await lenient.respond(to: "?").text == "The answer is 5.")
    }
}

@Suite("Protocols of pluralism")
struct PluralismTests {
    @Test("mix the distributions of members by their weights")
    func distribution() async throws {
        let survey = Distributional(samples: 4, answers: .label("red", "blue"), weights: ["a": 3])
        let panel = survey {
            ScriptedModel("a", samples: ["red", "red", "blue", "Hm"]); ScriptedModel("b", samples: ["blue"])
        }
        let answer = try await panel.respond(to: "?")
        // (3 · ⅔ + 0) / 4 and (3 · ⅓ + 1) / 4.
        #expect(answer.text == "red: 0.5\nblue: 0.5")
        #expect(answer.trace?.root.note("unparsed") == "1")
        let shares = try #require(answer.trace.flatMap(Distributional.distribution))
        #expect(shares.map(\.candidate) == ["red", "blue"])
    }

    @Test("present views with who holds them, through the eyes given")
    func overton() async throws {
        let (a, b) = (debater("a", "View one"), debater("b", "View two", "All views"))
        let panel = Overton(perspectives: ["You are a farmer."]) {
            a; b
        }
        #expect(try await panel.respond(to: "?").text == "All views")
        #expect(a.requests[0].messages[0] == .system("You are a farmer."))
        #expect(b.requests[1].question.hasPrefix("a: View one\nb: View two\n"))
        #expect(b.requests[1].messages.count == 1)
    }

    @Test("answer as a community by the comment chosen, or by all if no choice can be read")
    func steerable() async throws {
        func shown(_ choice: ScriptedAnswer) async throws -> String {
            let writer = debater("b", "Second", choice, "So it is")
            let panel = Steerable(as: "a miller") {
                debater("a", "First"); writer
            }
            _ = try await panel.respond(to: "?")
            return writer.requests[2].question
        }
        let chosen = try await shown("1")
        #expect(chosen.contains("Comment 1: First") && !chosen.contains("Second"))
        #expect(chosen.contains("as a miller would"))
        #expect(try await shown("both").contains("Comment 2: Second"))
    }
}

import Collab
import CollabTesting
import Foundation
import Testing

/// A judge that prefers the answer which holds a word, wherever it stands.
private func judge(_ name: String = "judge", preferring word: String) -> ScriptedModel {
    ScriptedModel(name) { (request, _) throws(CollabError) in
        let question = request.question
        guard let second = question.range(of: "Answer B:") else { return "What?" }
        return question[..<second.lowerBound].contains("Answer A: \(word)")
            ? "The answer is A"
            : question[second.upperBound...].contains(word) ? "The answer is B" : "Both are bad."
    }
}

@Suite("A judge")
struct JudgeTests {
    @Test("is asked in both orders, and believed where it says the same")
    func bothOrders() async throws {
        let model = judge(preferring: "tea")
        let judgement = try await Judge(model).compare("tea", "coffee", on: "What do you drink?")
        #expect(judgement == Judge.Judgement(plain: .first, swapped: .first))
        #expect(judgement.preference == .first)
        #expect(try await Judge(model).compare("coffee", "tea", on: "?").preference == .second)
        #expect(model.callCount == 4)
        #expect(model.requests[0].question.contains("What do you drink?"))
    }

    @Test("that follows the order, or says nothing that can be read, makes a tie")
    func inconsistent() async throws {
        let biased = Judge(ScriptedModel("biased", always: "The answer is A"))
        let judgement = try await biased.compare("1", "2", on: "?")
        #expect(judgement == Judge.Judgement(plain: .first, swapped: .second))
        #expect(judgement.preference == nil)
        #expect(!judgement.isConsistent)
        let mute = Judge(ScriptedModel("mute", always: "Hard to say."))
        #expect(try await mute.compare("1", "2", on: "?") == Judge.Judgement(plain: nil, swapped: nil))
    }

    private func debate(_ aggregation: Aggregation, ties: TieRule = .firstDeclared) -> some TextModel {
        Vote("vote", VoteRules(answers: .freeText, aggregation: aggregation, ties: ties)) {
            debater("a", "coffee")
            debater("b", "tea")
            debater("c", "coffee")
            debater("d", "water")
        }
    }

    @Test("decides where members disagree, pair by pair")
    func decides() async throws {
        let model = judge(preferring: "tea")
        let answer = try await debate(.judge(Judge(model))).respond(to: "?")
        #expect(answer.text == "tea")
        // Three answers, three pairs, two orders.
        #expect(model.callCount == 6)
        let trace = try #require(answer.trace)
        let stage = try #require(trace["judgement by judge"])
        #expect(stage.notes.map(\.value) == ["tea > coffee", "coffee = water", "tea > water"])
        #expect(trace.root.decisions.last?.scores.map(\.value) == [0.5, 2, 0.5])
    }

    @Test("compares only the answers with most votes")
    func finalists() async throws {
        let model = judge(preferring: "water")
        let answer = try await debate(.judge(Judge(model), finalists: 2)).respond(to: "?")
        #expect(model.callCount == 2)
        #expect(answer.text == "coffee")
    }

    @Test("that contradicts itself leaves the decision to the tie rule")
    func tie() async throws {
        let biased = Judge(ScriptedModel("biased", always: "The answer is A"))
        let answer = try await debate(.judge(biased)).respond(to: "?")
        #expect(answer.text == "coffee")
        #expect(answer.trace?.root.decisions.last?.reason.contains("tie broken by firstDeclared") == true)
    }

    @Test("is not asked where members agree")
    func agreed() async throws {
        let model = judge(preferring: "tea")
        let debate = Debate("debate", DebateRules(aggregation: .judge(Judge(model)))) {
            debater("a", "tea"); debater("b", "Tea.")
        }
        #expect(try await debate.respond(to: "?").text == "tea")
        #expect(model.callCount == 0)
    }

    @Test("that fails leaves the plurality; one of a panel is missed")
    func failing() async throws {
        let broken = Judge(ScriptedModel("broken", always: "A").alwaysFailing())
        let answer = try await debate(.judge(broken)).respond(to: "?")
        #expect(answer.text == "coffee")
        #expect(answer.trace?.root.note("failed") == "judgement by broken: serverError")
        let panel = Aggregation.judge(broken, Judge(judge(preferring: "tea")))
        #expect(try await debate(panel).respond(to: "?").text == "tea")
    }

    @Test("of a panel counts by its calibration; one that is no better than chance not at all")
    func panel() async throws {
        let judges = [
            Judge(judge("bad", preferring: "water")), Judge(judge("worse", preferring: "water")),
            Judge(judge("good", preferring: "tea")),
        ]
        let calibration = Calibration(members: [
            .init(name: "bad", right: 5, asked: 20), .init(name: "worse", right: 10, asked: 20),
            .init(name: "good", right: 18, asked: 20),
        ])
        let plain = Aggregation.judge(judges[0], judges[1], judges[2])
        #expect(try await debate(plain).respond(to: "?").text == "water")
        let weighed = Aggregation.judge(judges[0], judges[1], judges[2], calibration: calibration)
        #expect(try await debate(weighed).respond(to: "?").text == "tea")
    }

    @Test("takes as many calls as the plan says, and none too many when the budget ends", arguments: 4...10)
    func budget(calls: Int) async throws {
        let vote = Vote("vote", VoteRules(aggregation: .judge(Judge(judge(preferring: "tea"))))) {
            debater("a", "coffee"); debater("b", "tea"); debater("c", "coffee"); debater("d", "water")
        }
        #expect(vote.callRange == 4...(4 + 2 * 6))
        let run = Run(budget: .calls(calls))
        let answer = try await vote.respond(to: "?", in: run)
        #expect(run.usage.calls == calls)
        #expect(answer.text == (calls < 10 ? "coffee" : "tea"))
        #expect((answer.ending == .budgetExhausted) == (calls < 10))
    }

    @Test("is cancelled with the vote")
    func cancelled() async throws {
        let vote = debate(.judge(Judge(judge(preferring: "tea").stalling(on: 1))))
        let task = Task { try await vote.respond(to: "?") }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test("that is remote makes the vote remote")
    func profile() {
        let remote = judge(preferring: "tea").located(.remote)
        #expect(debate(.judge(Judge(remote))).profile.locality == .remote)
        #expect(debate(.plurality).profile.locality != .remote)
    }

    @Test(
        "that scores answers makes whatever asks it remote: a vote, a debate, the best of several, a cascade"
    )
    func scoringProfile() {
        let local = ScriptedModel("local", always: "1").located(.local)
        let remote = ScriptedModel("verifier", always: "yes").located(.remote)
        func models(_ signal: ConfidenceSignal) -> [any TextModel] {
            [
                Vote("vote", VoteRules(confidence: signal)) { local },
                Debate("debate", DebateRules(confidence: signal)) { local },
                BestOf(2, by: signal) { local },
                Cascade(until: .confidence(signal, above: 0.5) || .never) { local },
                Cascade(untilEach: [.confidence(signal, above: 0.5), .never]) { local },
                DebateWhenNeeded(confidence: signal)() { local },
                AdaptiveCascade(
                    rule: CascadeRouting(costWeight: 1),
                    costs: [1],
                    signal: signal,
                    expecting: { _ in [] }
                ) { local },
            ]
        }
        #expect(models(.verified(by: remote)).allSatisfy { $0.profile.locality == .remote })
        #expect(models(.meanTokenProbability).allSatisfy { $0.profile.isLocal })
        let written = Mixture(aggregator: remote) { local }
        #expect(written.profile.locality == .remote)
        #expect(Mixture(aggregator: local) { local }.profile.isLocal)
    }
}

@Suite("A synthesis")
struct SynthesisTests {
    @Test("writes one answer of all that differ, which is nobody's")
    func writes() async throws {
        let writer = ScriptedModel("writer", always: "The answer is 6.")
        let debate = Debate(
            "debate",
            DebateRules(rounds: 1, answers: .numeric, aggregation: .synthesis(by: writer), settling: .always)
        ) {
            debater("a", "4"); debater("b", "5")
        }
        let answer = try await debate.respond(to: "?")
        #expect(answer.text == "The answer is 6.")
        #expect(answer.model == "writer")
        #expect(writer.callCount == 1)
        #expect(writer.requests[0].messages.contains { $0.text.contains("1. 4\n2. 5") })
        #expect(answer.trace?.talks.first?.outcome == .value("6"))
        #expect(answer.trace?.root.confidence == nil)
    }

    @Test("that cannot be read leaves the plurality")
    func unread() async throws {
        let writer = ScriptedModel("writer", always: "Who knows?")
        let vote = Vote("vote", VoteRules(answers: .numeric, aggregation: .synthesis(by: writer))) {
            debater("a", "4"); debater("b", "5"); debater("c", "5")
        }
        let answer = try await vote.respond(to: "?")
        #expect(answer.text == "5")
        #expect(writer.callCount == 1)
        #expect(answer.trace?.nodes.flatMap(\.notes).contains { $0.key == "failed" } == true)
    }

    @Test("is not made of answers that agree")
    func agreed() async throws {
        let writer = ScriptedModel("writer", always: "6")
        let vote = Vote("vote", VoteRules(answers: .numeric, aggregation: .synthesis(by: writer))) {
            debater("a", "4"); debater("b", "It is 4")
        }
        #expect(try await vote.respond(to: "?").text == "4")
        #expect(writer.callCount == 0)
    }
}

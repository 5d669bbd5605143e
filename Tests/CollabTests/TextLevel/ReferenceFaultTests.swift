import Collab
import CollabTesting
import Testing

/// What goes wrong in published code for the same methods, and cannot here.
@Suite("Faults of reference code")
struct ReferenceFaultTests {
    private func ask(_ rules: DebateRules, _ members: ScriptedModel...) async throws -> Response {
        try await Debate("debate", rules) { members }.respond(to: "?", in: Run(seed: 3))
    }

    @Test("an answer that cannot be read is never right, not even where the truth is unknown")
    func unreadableIsWrong() async throws {
        #expect(LabelledExample(truth: .value("1"), answers: [.unparsed]).isRight(0) == false)
        #expect(LabelledExample(truth: .unparsed, answers: [.unparsed]).isRight(0) == false)
        let answer = try await ask(DebateRules(answers: .numeric), debater("a", "Hm"), debater("b", "Well"))
        var talk = try #require(answer.trace?.talks.first)
        talk.truth = .value("1")
        let report = CommunicationReport(of: [talk])
        #expect(report.finalAccuracy == 0 && report.openingAccuracy == 0 && report.voteAccuracy == 0)
        #expect(report.openingKappa == nil)
        // Nor do two of them agree.
        #expect(talk.agreement() == 0)
    }

    @Test("at a round table of four different answers everybody hears all three others")
    func everybodyIsHeard() async throws {
        let members = (1...4).map { debater("m\($0)", ScriptedAnswer("It is \($0)")) }
        let rules = DebateRules.reconcile(rounds: 1, answers: .numeric, confidence: .meanTokenProbability)
        _ = try await Debate("table", rules) { members }.respond(to: "?")
        for (own, member) in members.enumerated() {
            let shown = member.requests.last?.messages.last?.text ?? ""
            for other in members.indices where other != own {
                #expect(shown.contains("It is \(other + 1)"), "\(shown)")
            }
        }
    }

    @Test("an answer that cannot be read is not replaced by one drawn by chance")
    func nothingIsInvented() async throws {
        for seed in 0..<20 {
            let rules = DebateRules.reconcile(rounds: 0, answers: .choice("A"..."D"))
            let debate = Debate("table", rules) {
                debater("a", "B"); debater("b", "who knows")
            }
            let answer = try await debate.respond(to: "?", in: Run(seed: UInt64(seed)))
            let note = answer.trace?.nodes.flatMap(\.notes).first { $0.key == "votes" }
            #expect(note?.value == "B ×1, unparsed ×1")
        }
    }

    @Test(
        "a tie goes the same way whoever is quicker, and both ways over many seeds only where chance decides"
    )
    func ties() async throws {
        func winners(_ rule: TieRule) async throws -> Set<String> {
            var winners: Set<String> = []
            for seed in 0..<20 {
                func once() async throws -> String {
                    let vote = Vote("vote", VoteRules(answers: .numeric, ties: rule)) {
                        debater("a", "1"); debater("b", "2")
                    }
                    return try await vote.respond(to: "?", in: Run(seed: UInt64(seed))).text
                }
                let winner = try await once()
                #expect(try await once() == winner)
                winners.insert(winner)
            }
            return winners
        }
        #expect(try await winners(.firstDeclared) == ["1"])
        #expect(try await winners(.highestConfidence) == ["1"])
        #expect(try await winners(.seeded) == ["1", "2"])
    }

    @Test("a proposer that fails is not dropped in silence")
    func failuresAreTold() async throws {
        let mixture = Mixture(aggregator: debater("writer", "3")) {
            debater("a", "1")
            ScriptedModel("b") { (_, _) async throws(CollabError) in throw CollabError(.serverError, "Out.") }
            debater("c", "2")
        }
        let trace = try #require(try await mixture.respond(to: "?").trace)
        #expect(trace.nodes.flatMap(\.notes).contains { $0.key == "failed" && $0.value.contains("b") })
    }

    @Test("a rival argues with its own words, not with those of the member that it argues against")
    func rivalsArgueThemselves() async throws {
        let (speaker, rival) = (debater("speaker", "1", "1"), debater("rival", "It is 2, they say"))
        let probe = CompetitiveProbe(answers: .numeric) {
            speaker; rival
        }
        _ = try await probe.respond(to: "?")
        #expect(rival.callCount == 1)
        #expect(speaker.requests.last?.question.contains("It is 2, they say") == true)
    }
}

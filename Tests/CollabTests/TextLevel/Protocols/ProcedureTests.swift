import Collab
import CollabTesting
import Testing

@Suite("A procedure")
struct ProcedureTests {
    @Test("has a model form with members of its own, named after it")
    func modelForm() async throws {
        let panel = NominalGroup(answers: .numeric) {
            debater("a", "41")
            debater("b", "41")
        }
        #expect(panel.name == "nominal group")
        #expect(panel.members == ["a", "b"])
        #expect(panel.callRange == 2...4)
        let answer = try await panel.respond(to: "?")
        #expect(answer.text == "41")
        #expect(answer.usage.calls == 2)
        #expect(answer.trace?.root.confidence == 1)
    }

    @Test("takes over drafts of its members, and leaves its own for later stages")
    func drafts() async throws {
        let (a, b, probe) = (debater("a", "41"), debater("b", "42", "1, 2"), Probe())
        var group = NominalGroup(answers: .numeric)
        group.rules.settling = .never
        let pipeline = Pipeline {
            Team("t") {
                a; b
            }
            DebateStageTests.Opinion(author: "a", text: "40")
            group
            probe
        }
        #expect(try await pipeline.respond(to: "?").trace?["opening"]?.note("taken over") == "a")
        // a is asked for its ranking alone.
        #expect((a.callCount, b.callCount) == (1, 2))
        #expect(probe.drafts.map(\.text) == ["40", "42"])
        #expect(pipeline.forecast().calls == 0...4)
    }

    @Test("settles only when members agree, if it is told to")
    func settling() async throws {
        func isSettled(_ answers: ScriptedAnswer...) async throws -> Bool {
            let probe = Probe()
            var stepladder = Stepladder(answers: .numeric)
            stepladder.rules.settling = .onAgreement
            let pipeline = Pipeline {
                Team("t") { for (index, answer) in answers.enumerated() { debater("m\(index)", answer) } }
                stepladder
                probe
            }
            _ = try await pipeline.respond(to: "?")
            return !probe.wasReached
        }
        #expect(try await isSettled("1", "1", "1"))
        #expect(try await !isSettled("1", "2", "2"))
    }

    @Test("counts an office's holder from outside the team for where requests go")
    func privacy() {
        let local = ScriptedModel("local", always: "1").located(.local)
        let remote = ScriptedModel("remote", always: "1").located(.remote)
        let inside = VerifierLoop(verifier: .last) { local }
        let outside = VerifierLoop(verifier: .model(remote)) { local }
        #expect(inside.profile.isLocal)
        #expect(outside.profile.locality == .remote)
    }

    @Test("whose office nobody holds, or that lacks members, is refused before anybody is asked")
    func refused() async throws {
        func code(_ panel: some TextModel) async -> CollabError.Code? {
            do throws(CollabError) {
                _ = try await panel.respond(to: "?")
                return nil
            } catch { return error.code }
        }
        let a = debater("a", "1")
        #expect(await code(Refine(critic: .named("b")) { a }) == .invalidRequest)
        #expect(await code(DialecticalInquiry() { a }) == .invalidRequest)
        #expect(await code(ModeratedDebate() { a }) == .invalidRequest)
        #expect(await code(AdaptiveConsistency(samples: 0) { a }) == .invalidRequest)
        #expect(await code(MostSelfConsistent(samples: 0) { a }) == .invalidRequest)
        #expect(await code(SequentialMixture(window: 1) { a }) == .invalidRequest)
        #expect(await code(VerifierLoop(attempts: 0) { a }) == .invalidRequest)
        #expect(await code(RankAndFuse(top: 0) { a }) == .invalidRequest)
        #expect(await code(PersonaPanel(personas: []) { a }) == .invalidRequest)
        #expect(await code(Distributional(answers: .yesNo, weights: ["a": -1]) { a }) == .invalidRequest)
        #expect(await code(NominalGroup() {}) == .emptyTeam)
        #expect(a.callCount == 0)
    }

    @Test("forecasts its calls also where it will be refused")
    func forecastOfNothing() {
        #expect(AdaptiveConsistency() {}.callRange == 0...0)
        #expect(DebateWhenNeeded() {}.callRange == 0...0)
        #expect(ModeratedDebate(rounds: 0) { debater("a", "1") }.callRange == 3...5)
        let panels: [any BoundedCollaboration] = [
            NominalGroup() {}, Delphi() {}, Stepladder() {}, PersonaPanel() {},
            PeerFeedback(reviewers: -1) {},
            CompetitiveProbe() {}, CooperativeProbe() {}, CrossExamination(rounds: -1) {},
            Refine(rounds: -1) {},
            VerifierLoop(attempts: -1) {}, RankAndFuse(top: -1) {},
            SequentialMixture(samples: -1, window: -1) {},
            Skeleton(points: -1) {}, DivideAndConquer(parts: -1) {},
            KnowledgeCards(includesAnswerer: false) {},
            Blackboard(rounds: -1) {}, ConsensusConference(drafts: -1) {}, DevilsAdvocate() {}, Overton() {},
            Steerable(as: "a farmer") {}, Distributional(samples: -1, answers: .yesNo) {},
            SummarisedDebate(rounds: -1) {}, TrajectoryDebate(rounds: -1) {},
            MostSelfConsistent(samples: -1) {},
        ]
        for panel in panels { #expect(panel.callRange.lowerBound >= 0, "\(panel.name)") }
    }

    @Test("says what it decided, by which its talk is measured, and not by a plurality of its own")
    func outcome() async throws {
        func outcome(of panel: some TextModel) async throws -> Answer? {
            try await panel.respond(to: "?").trace?.talks.last?.outcome
        }
        // Two of three say 41, and all rank it last.
        let group = NominalGroup(answers: .numeric) {
            debater("a", "41", "2, 1"); debater("b", "41", "2, 1"); debater("c", "42", "2, 1")
        }
        #expect(try await outcome(of: group) == .value("42"))
        let refined = Refine(rounds: 1, answers: .numeric) { debater("a", "41", "No.", "42") }
        #expect(try await outcome(of: refined) == .value("42"))
        let moderated = ModeratedDebate(rounds: 1, answers: .numeric) {
            debater("a", "41"); debater("b", "42"); debater("m", "Yes. The answer is 42.")
        }
        #expect(try await outcome(of: moderated) == .value("42"))
        let withheld = CooperativeProbe(answers: .numeric) {
            debater("a", "41"); debater("b", "Wrong.", "False.")
        }
        #expect(try await outcome(of: withheld) == .unparsed)
        let distribution = Distributional(answers: .numeric) {
            debater("a", "41"); debater("b", "42")
        }
        #expect(try await outcome(of: distribution) == nil)
    }

    @Test("debates where the confidence of the first answer could not be asked for")
    func failingConfidence() async throws {
        let failing = ConfidenceSignal.measured("a server's word") { _ in
            throw CollabError(.serverError, "Down.")
        }
        let panel = DebateWhenNeeded(confidence: failing, debating: DebateRules(answers: .numeric)) {
            debater("a", "42"); debater("b", "42")
        }
        let answer = try await panel.respond(to: "?")
        #expect(answer.text == "42")
        #expect(answer.trace?.root.note("debate") == "needed: its confidence was not measured")
        #expect(answer.trace?["confidence"]?.note("confidence") == "not measured for a: serverError")
    }

    @Test("of one member asks it and is done")
    func alone() async throws {
        for panel in [
            NominalGroup() { debater("a", "1") } as any TextModel, Stepladder() { debater("a", "1") },
            Delphi() { debater("a", "1") }, PeerFeedback() { debater("a", "1") },
            SummarisedDebate() { debater("a", "1") }, ConsensusConference() { debater("a", "1") },
        ] {
            #expect(try await panel.respond(to: "?").usage.calls == 1, "\(panel.name)")
        }
    }

    @Test("asks for texts to be continued with what is shown in front")
    func completion() async throws {
        let a = debater("a", "41", "No, 42.", "42")
        let panel = Refine(rounds: 1, answers: .numeric) { a }
        _ = try await panel.respond(to: .completion("Q: ?\nA:"))
        guard case .completion(let text) = a.requests[1].input else {
            Issue.record("A completion became a dialogue.")
            return
        }
        #expect(text.hasPrefix("Answer: 41\n\nIs this answer right"))
        #expect(text.hasSuffix("\n\nQ: ?\nA:"))
    }

    @Test("appoints the member that a calibration knows as the best")
    func appointment() async throws {
        let calibration = Calibration(members: [
            .init(name: "a", right: 5, asked: 20), .init(name: "b", right: 15, asked: 20),
            .init(name: "c", right: 15, asked: 20),
        ])
        let members = ["a", "b", "c"].map { debater($0, "The answer is 1.") }
        let panel = KnowledgeCards(answerer: .best(by: calibration), includesAnswerer: false) {
            for member in members { member }
        }
        _ = try await panel.respond(to: "?")
        #expect(members.map(\.callCount) == [1, 1, 1])
        #expect(members[1].requests[0].question.contains("Use what of this knowledge"))
    }
}

@Suite("What a meeting reads")
struct MeetingReadingTests {
    @Test("as a list are numbered or bulleted lines")
    func points() {
        #expect(
            Meeting.points(in: "Plan:\n1. Add\n 2) Take away\n- Check\n* Tell\n10. Rest") == [
                "Add", "Take away", "Check", "Tell", "Rest",
            ]
        )
        #expect(Meeting.points(in: "1. a\n2. b\n3. c", atMost: 2) == ["a", "b"])
        #expect(Meeting.points(in: "3.5 is a number, -4 too").isEmpty)
        #expect(Meeting.points(in: "1.\n2. \n").isEmpty)
    }

    @Test("as a ranking are the numbers of the first line that names one")
    func ranking() {
        #expect(Meeting.ranking(in: "2, 1, 3", of: 3) == [1, 0, 2])
        #expect(Meeting.ranking(in: "Best:\n3 > 1 > 3", of: 3) == [2, 0])
        #expect(Meeting.ranking(in: "7, 0, 99999999999999999999", of: 3) == nil)
        #expect(Meeting.ranking(in: "none", of: 3) == nil)
        #expect(Meeting.ranking(in: "1", of: 0) == nil)
    }
}

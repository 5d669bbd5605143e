import CollabTesting
import Testing

@testable import Collab

@Suite("The outcome log")
struct OutcomeTests {
    private func cascade() -> Cascade<Team<TextAccess>> {
        Cascade(until: .confidence(above: 0.8)) {
            ScriptedModel("small", always: ScriptedAnswer("41", probability: 0.5))
                .priced(Price(promptPerMillion: 1, completionPerMillion: 1))
            ScriptedModel("large", always: ScriptedAnswer("42", probability: 0.9))
                .priced(Price(promptPerMillion: 10, completionPerMillion: 10))
        }
    }

    @Test("keeps each decision with its scores, the members' answers judged, and what the whole took")
    func logs() async throws {
        let log = OutcomeCollector()
        let team = cascade().logging(
            to: log,
            kind: { _ in "sums" },
            features: { [Float($0.question.count)] },
            quality: { _, text in text == "42" ? 1 : 0 }
        )
        let answer = try await team.respond(to: "What is 17 + 25?")
        #expect(answer.text == "42")
        let outcome = try #require(log.outcomes.first)
        #expect(log.outcomes.count == 1)
        #expect(outcome.request == "What is 17 + 25?")
        #expect(outcome.kind == "sums")
        #expect(outcome.features == [16])
        #expect(outcome.decision.place == "cascade")
        #expect(outcome.decision.choice == "large")
        #expect(outcome.decision.threshold == 0.8)
        #expect(abs((outcome.scores["small"] ?? 0) - 0.5) < 1e-9)
        #expect(outcome.members.map(\.name) == ["small", "large"])
        #expect(outcome.members.map(\.quality) == [0, 1])
        #expect(outcome.outcome.quality == 1)
        #expect(outcome.outcome.calls == 2)
        #expect(abs(outcome.outcome.cost - answer.usage.cost.units) < 1e-12)
        #expect(outcome.outcome.cost > 0)
    }

    @Test("names whose answer was taken, also if nobody accepted it, and nobody where no one was chosen")
    func asked() async throws {
        let log = OutcomeCollector()
        func ask(_ team: some TextModel, _ quality: Double = 1) async throws -> Decision? {
            let answer = try await team.logging(to: log, quality: { _, _ in quality }).respond(to: "?")
            return answer.trace?.nodes.flatMap(\.decisions).first
        }
        let unsure = Cascade(until: .confidence(above: 0.99)) {
            ScriptedModel("small", always: ScriptedAnswer("41", probability: 0.5))
            ScriptedModel("large", always: ScriptedAnswer("42", probability: 0.9))
        }
        #expect(try await ask(unsure)?.asked == "large")
        #expect(log.outcomes.last?.decision.choice == "large (not accepted)")
        #expect(log.outcomes.last?.decision.asked == "large")
        let local = Pipeline {
            Team { ScriptedModel("home", always: "42").located(.local) }
            KeepLocal()
        }
        #expect(try await ask(local)?.choice == "everybody")
        #expect(log.outcomes.last?.decision.asked == nil)
        let route = Route(by: ClosureRouter { _ in "b" }) {
            ScriptedModel("a", always: "1")
            ScriptedModel("b", always: "2")
        }
        #expect(try await ask(route)?.asked == "b")
        // A quality that is none is not kept, and fails no answer.
        let count = log.outcomes.count
        #expect(try await ask(route, .nan)?.asked == "b")
        #expect(log.outcomes.count == count)
    }

    @Test("that fails does not fail the answer")
    func failing() async throws {
        struct Full: OutcomeRecorder {
            func record(_ outcomes: [RoutingOutcome]) async throws(CollabError) {
                throw CollabError(.inputOutput, "The disk is full.")
            }
        }
        let answer = try await cascade().logging(to: Full()).respond(to: "?")
        #expect(answer.text == "42")
        #expect(answer.trace?.root.note("not logged") == "The disk is full.")
    }

    @Test("gives every answer an id of its own, and the same in a run of the same seed")
    func ids() async throws {
        let log = OutcomeCollector()
        let team = cascade().logging(to: log)
        let run = Run(seed: 3)
        _ = try await team.respond(to: "a", in: run)
        _ = try await team.respond(to: "b", in: run)
        #expect(Set(log.outcomes.map(\.id)).count == 2)
    }
}

@Suite("The health of routing")
struct RoutingHealthTests {
    /// A cascade's decision: the small model was so sure, right or wrong; the large one is asked below 0.8.
    private func outcome(_ index: Int, confidence: Double, smallIsRight: Bool, largeIsRight: Bool = true)
        -> RoutingOutcome
    {
        var members = [
            RoutingOutcome.Member(
                name: "small",
                confidence: confidence,
                quality: smallIsRight ? 1 : 0,
                cost: 1
            )
        ]
        let isAccepted = confidence > 0.8
        if !isAccepted {
            members.append(.init(name: "large", quality: largeIsRight ? 1 : 0, cost: 10))
        }
        return RoutingOutcome(
            id: "\(index)",
            request: "?",
            kind: index % 2 == 0 ? "even" : "odd",
            decision: .init(place: "cascade", choice: isAccepted ? "small" : "large", threshold: 0.8),
            scores: ["small": confidence],
            members: members,
            outcome: .init(quality: (isAccepted ? smallIsRight : largeIsRight) ? 1 : 0)
        )
    }

    @Test("of a calibrated cascade that stops where it should has nothing out of place")
    func healthy() {
        var random = SeededGenerator(seed: 1)
        let outcomes = (0..<600).map { index in
            let confidence = index % 2 == 0 ? 0.9 : 0.3
            return outcome(index, confidence: confidence, smallIsRight: random.nextUnit() < confidence)
        }
        let health = RoutingHealth(of: outcomes)
        #expect(health.findings == [])
        #expect(health.deferral.deferred == 300)
        let small = health.groups.first { $0.member == "small" && $0.kind == "even" }
        #expect(small?.count == 300)
        #expect(small?.interval?.contains(0.9) == true)
        #expect("\(health)".contains("nothing is out of place"))
    }

    @Test("finds a model that is too sure, and bad answers that were accepted")
    func tooSure() {
        let outcomes = (0..<200).map { outcome($0, confidence: 0.95, smallIsRight: $0 % 2 == 0) }
        let health = RoutingHealth(of: outcomes)
        #expect(abs((health.calibration["small"]?.expectedCalibrationError ?? 0) - 0.45) < 1e-9)
        #expect(health.deferral.underDeferral == 0.5)
        #expect(health.findings.count == 2)
        #expect(health.findings[0].hasPrefix("The confidence of small is too sure"))
        #expect(health.findings[1].contains("raise the threshold"))
    }

    @Test("finds money spent on questions that had a good answer")
    func overDeferral() {
        let outcomes = (0..<200).map { outcome($0, confidence: 0.75, smallIsRight: $0 % 4 != 0) }
        let health = RoutingHealth(of: outcomes)
        #expect(health.deferral.overDeferral == 0.75)
        #expect(health.findings.contains { $0.contains("lower the threshold") })
    }

    @Test("finds that a member has become worse, and that scores have moved")
    func drift() {
        let outcomes = (0..<400).map { index in
            let isLate = index >= 280
            return outcome(
                index,
                confidence: isLate ? 0.95 : 0.85 + Double(index % 10) * 0.001,
                smallIsRight: isLate ? index % 2 == 0 : index % 10 != 0
            )
        }
        let drifts = RoutingHealth(of: outcomes).drifts
        #expect(drifts.map(\.what).contains("The quality of small"))
        #expect(drifts.map(\.what).contains("The score of small"))
        #expect(RoutingHealth(of: outcomes.filter { $0.scores["small"] ?? 0 < 0.9 }).drifts.isEmpty)
    }

    @Test("says nothing of what has hardly been seen")
    func few() {
        let outcomes = (0..<10).map { outcome($0, confidence: 0.95, smallIsRight: false) }
        #expect(RoutingHealth(of: outcomes).findings.isEmpty)
        #expect(RoutingHealth(of: []).count == 0)
    }

    @Test("reads past what is no number")
    func notNumbers() {
        var outcomes = (0..<200).map { outcome($0, confidence: 0.95, smallIsRight: $0 % 2 == 0) }
        let clean = RoutingHealth(of: outcomes)
        for place in outcomes.indices {
            outcomes[place].scores["broken"] = .nan
            outcomes[place].scores["endless"] = .infinity
            outcomes[place].members.append(.init(name: "unread", confidence: 0.5, quality: .nan))
            outcomes[place].members.append(.init(name: "small", confidence: 0.95, quality: 7))
        }
        let health = RoutingHealth(of: outcomes)
        #expect(health.drifts.isEmpty)
        #expect(health.calibration == clean.calibration)
        #expect(health.deferral.acceptedRated == 0)
        #expect(RoutingHealth(of: outcomes, recent: .nan).count == 200)
    }

    @Test("tests shares and distributions as scipy does")
    func statistics() {
        // The z test by hand with scipy's norm.sf; scipy's statistic of ks_2samp, 0.275, under its kstwobign.
        let share = RoutingHealth.chanceOfShares(
            (0..<60).map { $0 < 45 ? 1 : 0 },
            (0..<60).map { $0 < 30 ? 1 : 0 }
        )
        #expect(abs(share - 0.004677734981047266) < 1e-12)
        let chance = RoutingHealth.chanceOfDistributions(
            (0..<40).map { Double($0) / 40 },
            (0..<30).map { Double($0 * $0) / 900 }
        )
        #expect(abs(chance - 0.14954937715349195) < 1e-12)
    }
}

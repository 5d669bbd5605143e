import Collab
import CollabTesting
import Testing

@Suite("An ensemble of routers")
struct EnsembleRouterTests {
    /// Gives the scores that it was made of, and chooses the highest.
    private struct Fixed: Router {
        let name: String
        let scores: [Double?]
        func route(
            _ request: Request,
            among candidates: [RouteCandidate]
        ) async throws(CollabError) -> RoutingDecision {
            let best = scores.indices.max { (scores[$0] ?? -1) < (scores[$1] ?? -1) }
            return RoutingDecision(choice: best, scores: scores, reason: "fixed")
        }
    }

    private struct Broken: Router {
        let name = "broken"
        var code = CollabError.Code.timeout
        func route(
            _ request: Request,
            among candidates: [RouteCandidate]
        ) async throws(CollabError) -> RoutingDecision {
            throw CollabError(code, "No.")
        }
    }

    static let candidates = ["a", "b", "c"].map { RouteCandidate(name: $0) }

    private func decide(_ router: EnsembleRouter) async throws -> RoutingDecision {
        try await router.route(Request("?"), among: Self.candidates)
    }

    @Test("takes the weighted mean of what was scored")
    func mean() async throws {
        let decision = try await decide(
            EnsembleRouter(
                .mean,
                members: [
                    .init(Fixed(name: "x", scores: [0.9, 0.5, nil]), weight: 1),
                    .init(Fixed(name: "y", scores: [0.1, 0.5, 0.45]), weight: 3),
                ]
            )
        )
        // (0.9 + 0.3) ∕ 4 = 0.3, (0.5 + 1.5) ∕ 4 = 0.5; the third was scored by one alone.
        #expect(decision.choice == 1)
        #expect(zip(decision.scores, [0.3, 0.5, 0.45]).allSatisfy { abs(($0 ?? .nan) - $1) < 1e-12 })
    }

    @Test("counts a choice without scores as one against nothing")
    func unscored() async throws {
        let closure = ClosureRouter { _ in "c" }
        let decision = try await decide(
            EnsembleRouter(.mean, [closure, Fixed(name: "x", scores: [0.4, 0, 0.1])])
        )
        #expect(decision.choice == 2)
        #expect(decision.scores == [0.2, 0, 0.55])
    }

    @Test("votes by weight, and none is a vote")
    func vote() async throws {
        let none = ClosureRouter("none") { _ in nil }
        let b = ClosureRouter("b") { _ in "b" }, a = ClosureRouter("a") { _ in "a" }
        #expect(try await decide(EnsembleRouter(.vote, [a, b, b])).choice == 1)
        #expect(try await decide(EnsembleRouter(.vote, [none, none, b])).choice == nil)
        let heavy = EnsembleRouter(
            .vote,
            members: [.init(a, weight: 3), .init(b), .init(none)]
        )
        let decision = try await decide(heavy)
        #expect(decision.choice == 0 && decision.scores == [0.6, 0.2, 0])
    }

    @Test("decides between equals by the rule that it was given")
    func ties() async throws {
        let b = ClosureRouter("b") { _ in "b" }, a = ClosureRouter("a") { _ in "a" }
        #expect(try await decide(EnsembleRouter(.vote, tie: .firstCandidate, [b, a])).choice == 0)
        #expect(try await decide(EnsembleRouter(.vote, tie: .firstRouter, [b, a])).choice == 1)
        let nobody = try await decide(EnsembleRouter(.vote, tie: .none, [b, a]))
        #expect(nobody.choice == nil && nobody.reason.contains("a and b share 0.5 of the votes"))
        let level = [Fixed(name: "x", scores: [0.1, 0.2, 0.3]), Fixed(name: "y", scores: [0.3, 0.2, 0.1])]
        #expect(try await decide(EnsembleRouter(.mean, tie: .firstCandidate, level)).choice == 0)
        #expect(try await decide(EnsembleRouter(.mean, tie: .firstRouter, level)).choice == 2)
    }

    @Test("goes on without a router that fails, but not without all")
    func failures() async throws {
        let a = ClosureRouter("a") { _ in "a" }
        let decision = try await decide(EnsembleRouter(.vote, [Broken(), a]))
        #expect(decision.choice == 0 && decision.reason.contains("broken failed (timeout)"))
        let failed = await #expect(throws: CollabError.self) {
            try await decide(EnsembleRouter(.vote, [Broken()]))
        }
        #expect(failed?.code == .timeout && failed?.path == ["broken"])
        let spent = await #expect(throws: CollabError.self) {
            try await decide(EnsembleRouter(.vote, [a, Broken(code: .budgetExhausted)]))
        }
        #expect(spent?.code == .budgetExhausted)
        await #expect(throws: CollabError.self) { try await decide(EnsembleRouter(.vote, [])) }
    }

    @Test("leaves out a router that decides about other candidates than it was given")
    func strangers() async throws {
        struct Beyond: Router {
            let name = "beyond"
            let choice: Int?
            let scores: [Double?]
            func route(
                _ request: Request,
                among candidates: [RouteCandidate]
            ) async throws(CollabError) -> RoutingDecision {
                RoutingDecision(choice: choice, scores: scores, reason: "")
            }
        }
        let a = ClosureRouter("a") { _ in "a" }
        for stranger in [
            Beyond(choice: 7, scores: [0.1, 0.2, 0.3]), Beyond(choice: nil, scores: [0.1]),
            Beyond(choice: -1, scores: [nil, nil, nil]),
        ] {
            for rule in [EnsembleRouter.Rule.mean, .vote] {
                let decision = try await decide(EnsembleRouter(rule, [stranger, a]))
                #expect(decision.choice == 0)
                #expect(decision.reason.contains("beyond failed (invalidRequest)"))
            }
        }
    }

    @Test("stands at the head of a route, with all its calls")
    func inRoute() async throws {
        let judge = ScriptedModel("judge", always: "b")
        let router = EnsembleRouter(.vote, [PromptedRouter(judge), ClosureRouter { _ in "b" }])
        #expect(router.callRange == 1...1)
        let route = Route(by: router) {
            ScriptedModel("a", always: "1")
            ScriptedModel("b", always: "2")
        }
        #expect(try await route.respond(to: "?").text == "2")
    }
}

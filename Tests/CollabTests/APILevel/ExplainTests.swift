import Collab
import CollabTesting
import Testing

@Suite("Explaining a pipeline")
struct ExplainTests {
    private let small = ScriptedModel("small", always: "1")
    private let large = ScriptedModel("large", always: "2")
    private let cheap = Price(promptPerMillion: 1, completionPerMillion: 2)
    private let dear = Price(promptPerMillion: 10, completionPerMillion: 30)

    private func limited(_ question: String) -> Request {
        Request(question, options: GenerationOptions(maximumTokens: 100))
    }

    @Test("tells the route with all scores, the team, the calls and the price, and asks nobody")
    func route() async throws {
        let pipeline = Pipeline {
            Route(by: .examples(["sums": ["What is 3 + 4?"], "facts": ["Who wrote Faust?"]])) {
                Team("sums") { small.priced(cheap) }
                Team("facts") {
                    small.priced(cheap)
                    large.priced(dear)
                }
            }
            Cascade(until: .confidence(above: 0.8))
        }
        let plan = try await pipeline.explain(limited("Who wrote Hamlet?"))
        #expect(plan.decision?.choice == "facts")
        #expect(plan.decision?.scores.map(\.candidate) == ["sums", "facts"])
        #expect(plan.decision?.scores.allSatisfy { $0.value != nil } == true)
        #expect(plan.decision?.threshold == 0.05)
        #expect(plan.decision?.rule == "examples")
        // An answer of one of the team: at least the cheap one's 3 · 1 + 1 · 2, at most the dear one's 17 · 10 + 100 · 30.
        #expect(
            plan.decision?.scores.map(\.price) == [
                PriceEstimate(least: Money(5e-6), most: Money((17 * 1 + 100 * 2) * 1e-6)),
                PriceEstimate(least: Money(5e-6), most: Money((17 * 10 + 100 * 30) * 1e-6)),
            ]
        )
        #expect(plan.members == ["small", "large"])
        #expect(plan.calls == 1...2)
        // 17 bytes: 3 to 17 tokens. At least 3 · 1 + 1 · 2; at most, twice, the dear one's 17 · 10 + 100 · 30, and its
        // second prompt 400 tokens longer.
        #expect(plan.price.least == Money(5e-6))
        #expect(plan.price.most == Money((2 * (17 * 10 + 100 * 30) + 400 * 10) * 1e-6))
        #expect(plan.remarks.isEmpty)
        #expect(small.callCount + large.callCount == 0)
        #expect("\(plan)".contains("→ facts"))
    }

    @Test("agrees with what the pipeline then does")
    func agrees() async throws {
        let pipeline = Pipeline {
            Route(choosing: { $0.question.contains("+") ? "sums" : nil }) {
                Team("facts") { large.priced(dear) }
                Team("sums") { small.priced(cheap) }
            }
        }
        for question in ["1 + 1", "Faust"] {
            let plan = try await pipeline.explain(limited(question))
            let answer = try await pipeline.respond(to: limited(question))
            #expect(plan.members == [answer.model])
            #expect(plan.decision == answer.trace?.nodes.compactMap(\.decisions.first).first)
            #expect(plan.calls == 1...1)
            let most = try #require(plan.price.most)
            #expect(plan.price.least <= answer.usage.cost && answer.usage.cost <= most)
        }
    }

    @Test("does not ask a router's model, and says that the team is not known")
    func modelRouter() async throws {
        let judge = ScriptedModel("judge", always: "facts")
        let pipeline = Pipeline {
            Route(by: .prompted(judge)) {
                Team("facts") { small }
                Team("sums") { large }
            }
            Cascade(until: .confidence(above: 0.8))
        }
        let plan = try await pipeline.explain("Faust?")
        #expect(judge.callCount == 0)
        #expect(plan.decision == nil)
        #expect(plan.members.isEmpty)
        #expect(plan.price.most == nil)
        #expect(plan.remarks.first == "Which team is chosen is not known without asking a model.")
    }

    @Test("records by what rule a cascade decided, and between which amounts each answer cost")
    func cascade() async throws {
        let answer = try await Cascade(until: .confidence(above: 0.8)) {
            small.priced(cheap)
            large.located(.local)
            ScriptedModel("unknown", always: "3")
        }.respond(to: limited("Faust?"))
        let decision = try #require(answer.trace?.nodes.flatMap(\.decisions).first)
        #expect(decision.rule == "mean token probability above 0.8")
        #expect(
            decision.scores.map(\.price) == [
                PriceEstimate(least: Money(3e-6), most: Money((6 * 1 + 100 * 2) * 1e-6)),
                PriceEstimate(least: .zero, most: .zero), nil,
            ]
        )
    }

    @Test("tells what a router expects answers to cost, beside their scores")
    func weighed() async throws {
        struct Weighing: Router {
            let name = "weighing"
            func route(_ request: Request, among candidates: [RouteCandidate]) async throws(CollabError)
                -> RoutingDecision
            {
                RoutingDecision(
                    choice: 1,
                    scores: [0.9, 0.8],
                    reason: "it is worth more",
                    rule: "quality less cost",
                    costs: [0.5, nil]
                )
            }
        }
        let plan = try await Pipeline {
            Route(by: Weighing()) {
                small
                large
            }
        }.explain("Faust?")
        #expect(plan.decision?.rule == "quality less cost")
        #expect(plan.decision?.scores.map(\.cost) == [0.5, nil])
        #expect("\(plan)".contains("small 0.9 at 0.5 · large 0.8"))
    }

    @Test("bounds the price of answers that may be as long as numbers go")
    func longest() async throws {
        let pipeline = Pipeline {
            Team {
                small.priced(cheap); large.priced(dear)
            }
            Cascade(until: .confidence(above: 0.8))
        }
        let request = Request("?", options: GenerationOptions(maximumTokens: .max))
        #expect(try await pipeline.explain(request).price.most ?? .zero > Money(1e6))
    }

    @Test("bounds no price that nothing bounds")
    func unbounded() async throws {
        let unpriced = Pipeline {
            Team {
                small.priced(cheap); large
            }
        }
        let plan = try await unpriced.explain(limited("?"))
        #expect(plan.price == PriceEstimate(least: .zero, most: nil))
        #expect(plan.remarks == ["The price of large is not known."])
        let endless = Pipeline { Team { small.priced(cheap) } }
        #expect(try await endless.explain("?").price.most == nil)
        let local = Pipeline { Team { small.located(.local) } }
        #expect(try await local.explain("?").price == PriceEstimate(least: .zero, most: .zero))
    }
}

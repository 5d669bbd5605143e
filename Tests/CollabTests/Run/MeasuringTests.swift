import Collab
import CollabTesting
import Testing

/// What is booked for work of a model that is no answer.
@Suite("Measuring", .timeLimit(.minutes(1)))
struct MeasuringTests {
    /// Makes vectors, says what it used, and fails after that if asked to.
    private struct Meter: EmbeddingModel {
        var name = "meter"
        var dimension = 2
        var fails = false

        func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
            for text in texts {
                Run.spend(Usage(promptTokens: text.utf8.count, cost: Money(billionths: 5)))
                if fails && text == "fatal" { throw CollabError(.serverError, "It broke.") }
            }
            return texts.map { $0.hasPrefix("a") ? [1, 0] : [0, 1] }
        }
    }

    private func team(_ meter: Meter) async throws -> Pipeline<TextAccess> {
        let router = try await ExampleRouter(["a": ["an a"], "b": ["b"]], embeddedBy: meter)
        return Pipeline {
            Route(by: router) {
                Team("a") { ScriptedModel("a", always: "A") }
                Team("b") { ScriptedModel("b", always: "B") }
            }
        }
    }

    @Test("vectors that a router asks for are one call, traced and booked with what the model reports")
    func vectors() async throws {
        let run = Run()
        let response = try await team(Meter()).respond(to: "apples", in: run)
        #expect(response.text == "A")
        #expect(run.usage.calls == 2)
        #expect(run.usage.promptTokens >= 6)
        #expect(run.usage.cost == Money(billionths: 5))
        let row = try #require(run.trace?.ledger.first { $0.model == "meter" })
        #expect(row.usage.promptTokens == 6)
        #expect(row.billing == .billed)
    }

    @Test("what was used before a failure stays booked")
    func failure() async throws {
        let run = Run()
        let team = try await team(Meter(fails: true))
        // A route without its router goes to the first team.
        _ = try await team.respond(to: "fatal", in: run)
        let row = try #require(run.trace?.ledger.first { $0.model == "meter" })
        #expect(row.failure != nil)
        #expect(row.usage == Usage(promptTokens: 5, calls: 1, cost: Money(billionths: 5)))
        #expect(row.billing == .billed)
    }

    @Test("is one call of unknown price however many requests it took")
    func unpriced() async throws {
        struct Unpriced: EmbeddingModel {
            let name = "unpriced"
            let dimension = 1
            func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
                for _ in 0..<3 { Run.spend(Usage(promptTokens: 1, unpricedCalls: 1)) }
                return texts.map { _ in [1] }
            }
        }
        let run = Run()
        let router = try await ExampleRouter(["a": ["a"], "b": ["b"]], embeddedBy: Unpriced(), threshold: -1)
        let team = Pipeline {
            Route(by: router) {
                Team("a") { ScriptedModel("a", always: "A") }
                Team("b") { ScriptedModel("b", always: "B") }
            }
        }
        _ = try await team.respond(to: "x", in: run)
        let row = try #require(run.trace?.ledger.first { $0.model == "unpriced" })
        #expect(row.usage.unpricedCalls == 1)
        #expect(row.usage.promptTokens == 3)
    }

    @Test("a measurement is refused when no call is left")
    func budget() async throws {
        let run = Run(budget: .calls(0))
        let team = try await team(Meter())
        let error = await #expect(throws: CollabError.self) { try await team.respond(to: "apples", in: run) }
        #expect(error?.code == .budgetExhausted)
        #expect(run.usage == Usage())
    }

    @Test("outside of a run nothing is booked and nothing fails")
    func outside() async throws {
        Run.spend(Usage(promptTokens: 3))
        #expect(try await Meter().embed(["a"]) == [[1, 0]])
    }
}

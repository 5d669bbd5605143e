import CollabTesting
import Testing

@testable import Collab

@Suite("A pool of models")
struct PoolTests {
    let clock = VirtualClock()

    @Test("A member that has used up its allowance rests until the next period, and the others answer")
    func allowance() async throws {
        let a = ScriptedModel("a", always: "a")
        let b = ScriptedModel("b", always: "b")
        let prices = [1, 2].map { Price(promptPerMillion: $0, completionPerMillion: $0) }
        let pool = Replicas("pool", choosing: .cheapest(prices)) {
            a.allowing(Allowance(calls: 2, per: .seconds(60)))
            b
        }
        let run = Run(clock: clock)
        func ask() async throws -> String { try await pool.respond(to: "?", in: run).text }
        #expect(try await [ask(), ask(), ask(), ask()] == ["a", "a", "b", "b"])
        // Resting is no illness.
        #expect(pool.table.withLock { $0.rows[0].circuit.state(at: .zero) } == .closed)
        clock.advance(by: .seconds(60))
        #expect(try await [ask(), ask(), ask()] == ["a", "a", "b"])
    }

    @Test("An allowance counts tokens and money as well, also of failures that are charged for")
    func tokens() async throws {
        let model = ScriptedModel("a", always: "one two three")
            .priced(Price(promptPerMillion: 0, completionPerMillion: 1_000_000))
        let run = Run(clock: clock)
        let byTokens = model.allowing(Allowance(tokens: 5, per: .seconds(60)))
        for _ in 0..<2 { _ = try await byTokens.respond(to: "?", in: run) }
        #expect(await outcome(of: byTokens, in: run).error?.code == .rateLimited)
        let byMoney = model.allowing(Allowance(cost: Money(3.5), per: .seconds(60)))
        for _ in 0..<2 { _ = try await byMoney.respond(to: "?", in: run) }
        let error = await outcome(of: byMoney, in: run).error
        #expect(error?.traits.retryAfter == .seconds(60))
        #expect(error?.traits.isPossiblyBilled == false)
        let lost = model.alwaysFailing(with: .lostAnswer).allowing(Allowance(tokens: 10, per: .seconds(60)))
        _ = await outcome(of: lost, in: run)
        #expect(lost.used.totalTokens == 10)
        #expect(await outcome(of: lost, in: run).error?.code == .rateLimited)
    }

    @Test("Calls under way count against an allowance of calls")
    func underWay() {
        var machine = AllowanceMachine(Allowance(calls: 1, per: .seconds(10)))
        #expect(machine.admit(at: .zero) == nil)
        #expect(machine.admit(at: .seconds(1))?.wait == .seconds(9))
        machine.settle(Usage(calls: 1))
        #expect(machine.admit(at: .seconds(9)) != nil)
        #expect(machine.admit(at: .seconds(10)) == nil)
    }

    @Test("Retrying waits for the next period if it begins soon")
    func retrying() async throws {
        let model = ScriptedModel("a", always: "a").allowing(Allowance(calls: 1, per: .seconds(30)))
            .retrying()
        let run = Run(clock: clock)
        _ = try await model.respond(to: "?", in: run)
        let task = Task { try await model.respond(to: "?", in: run) }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(40))
        #expect(try await task.value.text == "a")
    }

    @Test(
        "All at rest: the error says when the first comes back, and is not called an illness (OrcaRouter#121)"
    )
    func allResting() async throws {
        let pool = Replicas("pool", choosing: .roundRobin) {
            for (name, period) in [("a", 60), ("b", 20)] {
                ScriptedModel(name, always: "x").allowing(Allowance(calls: 1, per: .seconds(period)))
            }
        }
        let run = Run(clock: clock)
        for _ in 0..<2 { _ = try await pool.respond(to: "?", in: run) }
        let error = try #require(await outcome(of: pool, in: run).error)
        #expect(error.code == .rateLimited)
        #expect(error.traits.retryAfter == .seconds(20))
    }

    @Test("Tags keep those who may be asked, and nobody else is")
    func tags() async throws {
        let american = ScriptedModel("us", always: "us").tagged("fast")
        let european = ScriptedModel("eu", always: "eu").tagged("eu", "fast")
        let pipeline = Pipeline {
            Team {
                american; european
            }
            KeepTagged("eu")
        }
        #expect(try await pipeline.respond(to: "?").text == "eu")
        #expect(american.base.callCount == 0)
        let nobody = Pipeline {
            Team { american }
            KeepTagged("eu", "fast")
        }
        #expect(await outcome(of: nobody).error?.code == .emptyTeam)
    }

    @Test("Models of unknown type can be tagged, limited, located, redacted and logged as well")
    func existential() async throws {
        let models: [any TextModel] = [ScriptedModel("a", always: "a"), ScriptedModel("b", always: "b")]
        let log = OutcomeCollector()
        let wrapped: any TextModel = models[0].tagged("x").located(.local).redacting()
            .allowing(Allowance(calls: 1, per: .seconds(60))).logging(to: log)
        #expect(wrapped.profile == ModelProfile(locality: .local, tags: ["x"]))
        let run = Run(clock: clock)
        #expect(try await wrapped.respond(to: "?", in: run).text == "a")
        #expect(await outcome(of: wrapped, in: run).error?.code == .rateLimited)
    }

    @Test("Different failures have different fallbacks")
    func fallbackByFailure() async throws {
        let overflow = CollabError(.contextOverflow, "Too long.")
        func model(_ error: CollabError) -> FallbackModel {
            ScriptedModel("main", always: "x").alwaysFailing(with: error)
                .fallback(to: ScriptedModel("long", always: "long"), after: [.contextOverflow])
                .fallback(to: ScriptedModel("other", always: "other"), after: [.serverError, .timeout])
        }
        #expect(try await model(overflow).respond(to: "?").text == "long")
        #expect(try await model(.overloaded).respond(to: "?").text == "other")
        #expect(await outcome(of: model(CollabError(.unauthorized, "No."))).error?.code == .unauthorized)
    }
}

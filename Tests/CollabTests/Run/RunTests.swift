import Collab
import CollabTesting
import Testing

@Suite("A run")
struct RunTests {
    @Test("is joined by everything that is called within it")
    func joined() async throws {
        let run = Run()
        let debate = Debate(rounds: 1, answers: .numeric) {
            debater("a", "1"); debater("b", "2")
        }
        _ = try await debate.respond(to: "?", in: run)
        _ = try await debate.respond(to: "?", in: run)
        #expect(run.usage.calls == 8)
        #expect(Run.current == nil)
    }

    @Test("sums what its calls used, in the account as in the trace")
    func usage() async throws {
        let run = Run()
        let cascade = Cascade(until: .confidence(above: 0.9)) {
            debater("a", ScriptedAnswer("one two", probability: 0.1)).priced(
                Price(promptPerMillion: 1, completionPerMillion: 1)
            )
            debater("b", "three")
        }
        let answer = try await cascade.respond(to: "four words are here", in: run)
        #expect(answer.usage == run.usage)
        #expect(
            run.usage == Usage(promptTokens: 8, completionTokens: 3, calls: 2, cost: Money(billionths: 6000))
        )
    }

    @Test("refuses calls beyond its budget, and caps answers at the tokens that are left")
    func tokens() async throws {
        let model = debater("m", "one two three four five six")
        let run = Run(budget: .tokens(8))
        let first = try await model.respond(to: "a b c", in: run)
        #expect(first.text == "one two three four five six")
        let error = await #expect(throws: CollabError.self) { try await model.respond(to: "a b c", in: run) }
        #expect(error?.code == .budgetExhausted)
        let short = try await model.respond(to: "a", in: Run(budget: .tokens(3)))
        #expect(short.text == "one two three")
        #expect(short.ending == .budgetExhausted)
    }

    @Test("refuses calls after its time, on its own clock")
    func time() async throws {
        let clock = VirtualClock()
        let run = Run(budget: .duration(.seconds(5)), clock: clock)
        _ = try await debater("m", "1").respond(to: "?", in: run)
        clock.advance(by: .seconds(5))
        let error = await #expect(throws: CollabError.self) {
            try await debater("m", "1").respond(to: "?", in: run)
        }
        #expect(error?.code == .budgetExhausted)
    }

    @Test("counts a failed call, so that failing again and again ends")
    func failures() async throws {
        let run = Run(budget: .calls(2))
        let broken = debater("m", "1").alwaysFailing().retrying(Retry(attempts: 10, delay: .zero))
        let error = await #expect(throws: CollabError.self) { try await broken.respond(to: "?", in: run) }
        #expect(error?.code == .budgetExhausted)
        #expect(run.usage.calls == 2)
    }

    @Test("draws seeds that depend on its own seed, the label and the number of draws alone")
    func seeds() {
        let (a, b, other) = (Run(seed: 1), Run(seed: 1), Run(seed: 2))
        #expect(a.drawSeed("x") == b.drawSeed("x"))
        #expect(a.drawSeed("x") == b.drawSeed("x"))
        #expect(a.drawSeed("y") != a.drawSeed("z"))
        #expect(Run(seed: 1).drawSeed("x") != other.drawSeed("x"))
        let run = Run(seed: 1)
        #expect(run.drawSeed("x") != run.drawSeed("x"))
    }

    @Test("does side by side what is given, and returns it in order")
    func order() async throws {
        let clock = VirtualClock()
        let task = Task {
            try await concurrently([3, 1, 2]) { seconds throws(CollabError) in
                try await clock.sleep(for: .seconds(seconds))
                return seconds
            }
        }
        await clock.waitForSleepers(3)
        for _ in 0..<3 { clock.advance(by: .seconds(1)) }
        #expect(try await task.value == [3, 1, 2])
    }

    @Test("reports the first failure in order, not that of a sibling cancelled because of it")
    func firstFailure() async throws {
        let error = await #expect(throws: CollabError.self) {
            try await concurrently([0, 1]) { index throws(CollabError) in
                if index == 1 { throw CollabError(.transport, "No.") }
                while !Task.isCancelled { await Task.yield() }
                throw .cancelled
            }
        }
        #expect(error?.code == .transport)
    }
}

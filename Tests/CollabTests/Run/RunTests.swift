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

    @Test("gives each of several answers the trace of its own call")
    func ownTraces() async throws {
        let run = Run()
        let first = try await debater("first", "1").respond(to: "?", in: run)
        let second = try await debater("second", "2").respond(to: "?", in: run)
        #expect(first.trace?.root.name == "first")
        #expect(second.trace?.root.name == "second")
        #expect(second.trace?.root.text == "2")
        #expect(second.trace?.usage.calls == 2)
        #expect(run.trace?.root.name == "first")
    }

    @Test("is joined by a stream that is read within it, which cannot escape its budget")
    func joinedByStreams() async throws {
        struct Streaming: Collaboration {
            var name = "streaming"
            let member: ScriptedModel
            func generate(
                _ request: Request,
                into sink: ResponseSink
            ) async throws(CollabError) -> Response {
                _ = try await member.stream(request).collect()
                return try await member.stream(request).collect()
            }
        }
        let streaming = Streaming(member: debater("m", "1"))
        let run = Run()
        let answer = try await streaming.respond(to: "?", in: run)
        #expect(answer.trace?.root.children.map(\.name) == ["m", "m"])
        let error = await #expect(throws: CollabError.self) {
            try await streaming.respond(to: "?", in: Run(budget: .calls(1)))
        }
        #expect(error?.code == .budgetExhausted)
    }

    @Test("caps answers also of models with options of their own")
    func tokensOfAdaptedModels() async throws {
        let model = debater("m", "one two three four five six").options { $0.maximumTokens = 5 }
        let short = try await model.respond(to: "a", in: Run(budget: .tokens(3)))
        #expect(short.text == "one two three")
        #expect(short.ending == .budgetExhausted)
        let whole = try await model.respond(to: "a", in: Run(budget: .tokens(100)))
        #expect(whole.text == "one two three four five")
        #expect(whole.ending == .tokenLimit)
    }

    @Test("counts money without overflowing, and what is no number as nothing")
    func money() {
        #expect(Money(1e30) == Money(billionths: .max))
        #expect(Money(-1e30) == Money(billionths: -.max))
        #expect(Money(.nan) == .zero)
        #expect(Money(1e30) + Money(1) == Money(billionths: .max))
        #expect(Money(-1.5).description == "-1.500000")
        #expect(Money(billionths: .min).description.hasPrefix("-9223372036."))
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

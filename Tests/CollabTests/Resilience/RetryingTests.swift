import CollabTesting
import Testing

@testable import Collab

@Suite("Retrying with care")
struct RetryingTests {
    let instant = Retry(delay: .zero)

    @Test("waits for a random share of a delay that doubles up to a limit")
    func jitter() {
        let retry = Retry(delay: .seconds(1), maximumDelay: .seconds(5))
        let traits = FailureTraits(isRetryable: true)
        #expect(retry.wait(before: 2, after: traits, draw: 0.5) == .milliseconds(500))
        #expect(retry.wait(before: 3, after: traits, draw: 0.5) == .seconds(1))
        #expect(retry.wait(before: 4, after: traits, draw: 0.5) == .seconds(2))
        #expect(retry.wait(before: 9, after: traits, draw: 0.5) == .seconds(2.5))
        #expect(retry.wait(before: 2, after: traits, draw: 0) == .zero)
        let throttled = FailureTraits(isRetryable: true, isThrottling: true)
        #expect(Retry().wait(before: 2, after: throttled, draw: 0.5) == .milliseconds(500))
    }

    @Test("draws its waits from the run's seed")
    func seeded() async throws {
        func note(_ seed: UInt64) async throws -> String? {
            let clock = VirtualClock()
            let model = ScriptedModel("m", always: "1").failing(on: 1).retrying()
            let task = Task { try await model.respond(to: "?", in: Run(seed: seed, clock: clock)) }
            await clock.waitForSleepers()
            clock.advance(by: .seconds(1))
            return try await task.value.trace?.root.note("attempt 2")
        }
        let first = try await note(1)
        #expect(first != nil)
        #expect(try await note(1) == first)
        #expect(try await note(2) != first)
    }

    @Test("does not let runs of the same seed wait in step")
    func outOfStep() async {
        let clock = VirtualClock()
        let model = ScriptedModel("m", always: "1").failing(on: 1, 3).retrying(Retry(delay: .seconds(100)))
        func wait() async -> String? {
            let run = Run(clock: clock)
            let task = Task { await outcome(of: model, in: run) }
            await clock.waitForSleepers()
            clock.advance(by: .seconds(100))
            _ = await task.value
            return run.trace?.root.note("attempt 2")
        }
        let (first, second) = (await wait(), await wait())
        #expect(first != nil && second != nil)
        #expect(first != second)
    }

    @Test("waits as long as the server asks, and a tenth more at most")
    func retryAfter() async throws {
        let clock = VirtualClock()
        let model = ScriptedModel("m", always: "1").failing(on: 1, with: .throttled(for: .seconds(30)))
        let task = Task { try await model.retrying().respond(to: "?", in: Run(clock: clock)) }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(29.9))
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .seconds(3.1))
        #expect(try await task.value.text == "1")
    }

    @Test("fails at once if the wait does not fit into the run's time, and says so")
    func deadline() async {
        let run = Run(budget: .duration(.seconds(10)), clock: VirtualClock())
        let model = ScriptedModel("m", always: "1").failing(on: 1, with: .throttled(for: .seconds(30)))
        let error = await outcome(of: model.retrying(), in: run).error
        #expect(error?.code == .rateLimited)
        #expect(error?.message.contains("does not fit into the run's time") == true)
        #expect(error?.traits.retryAfter == .seconds(30))
    }

    @Test("does not wait for a server that asks for hours")
    func hours() async {
        let model = ScriptedModel("m", always: "1").failing(on: 1, with: .throttled(for: .seconds(7200)))
        let error = await outcome(of: model.retrying(), in: Run(clock: VirtualClock())).error
        #expect(error?.message.contains("too long") == true)
    }

    @Test("believes a failure that says that trying again is no use")
    func quota() async {
        let model = ScriptedModel("m", always: "1")
            .failing(on: 1, with: .staged(.rateLimited, FailureTraits(isLasting: true)))
        #expect(await outcome(of: model.retrying(instant)).error?.code == .rateLimited)
    }

    @Test("does not amplify an outage: a thousand failing calls become eleven hundred and a few")
    func outage() async {
        let model = ScriptedModel("m") { (_, _) throws(CollabError) in throw .overloaded }
        let retrying = model.retrying(Retry(attempts: 5, delay: .zero))
        let run = Run(clock: VirtualClock())
        for _ in 0..<1000 { _ = await outcome(of: retrying, in: run) }
        #expect(model.callCount > 1050)
        #expect(model.callCount <= 1120)
        let last = await outcome(of: retrying, in: run).error
        #expect(last?.code == .serverError)
    }

    @Test("shares the budget between models that are given the same one")
    func sharedBudget() async {
        let budget = RetryBudget(share: 0, perSecond: 0, capacity: 3)
        let models = (1...4).map {
            ScriptedModel("m\($0)") { (_, _) throws(CollabError) in throw .overloaded }
        }
        for model in models {
            _ = await outcome(of: model.retrying(Retry(attempts: 3, delay: .zero), budget: budget))
        }
        #expect(models.map(\.callCount) == [3, 2, 1, 1])
    }

    @Test("repeats a call that may have been charged for only as often as told, and books every attempt")
    func billed() async throws {
        let model = ScriptedModel("m") { (_, _) throws(CollabError) in throw .lostAnswer }
        let run = Run()
        let error = await outcome(
            of: model.retrying(Retry(attempts: 5, delay: .zero)),
            in: run
        ).error
        #expect(error?.message.contains("may have been charged for") == true)
        let rows = try #require(run.trace?.ledger)
        #expect(rows.map(\.billing) == [.possiblyBilled, .possiblyBilled])
        #expect(rows.map(\.requestID) == ["r-1", "r-1"])
        #expect(run.usage.promptTokens == 14)
        #expect(run.usage.calls == 2)
        #expect(run.trace?.description.contains("possibly billed") == true)
        let careful = ScriptedModel("m") { (_, _) throws(CollabError) in throw .lostAnswer }
        _ = await outcome(of: careful.retrying(Retry(delay: .zero, possiblyBilled: 0)))
        #expect(careful.callCount == 1)
    }

    @Test("books nothing for a call that never reached the server")
    func notBilled() async throws {
        let model = ScriptedModel("m", always: "1 2").failing(
            on: 1,
            with: CollabError(.transport, "Refused.")
        )
        let answer = try await model.retrying(instant).respond(to: "?")
        #expect(answer.trace?.ledger.map(\.billing) == [.notBilled, .billed])
        #expect(answer.usage.completionTokens == 2)
    }

    private func breaking(after pieces: Int, _ rest: ScriptedAnswer) -> (ScriptedModel, some TextModel) {
        let model = ScriptedModel("m") { (_, call) throws(CollabError) in
            call == 0 ? "one two three" : rest
        }
        let broken = model.injecting(
            .failureAfter(pieces: pieces, CollabError(.truncatedResponse, "Cut."))
        ) { $0 == 1 }
        return (model, broken)
    }

    @Test("never begins again behind what a reader has seen")
    func afterOutput() async {
        let (model, broken) = breaking(after: 2, "other")
        let error = await #expect(throws: CollabError.self) {
            for try await _ in broken.retrying(instant).stream("?").text {}
        }
        #expect(error?.code == .truncatedResponse)
        #expect(model.callCount == 1)
    }

    @Test("begins again if nobody reads along, since nothing has been handed out")
    func wholeAnswers() async throws {
        let (model, broken) = breaking(after: 2, "other")
        #expect(try await broken.retrying(instant).respond(to: "?").text == "other")
        #expect(model.callCount == 2)
    }

    @Test("goes on where the answer broke off if asked to")
    func resuming() async throws {
        let (model, broken) = breaking(after: 2, " three")
        let stream = broken.retrying(Retry(delay: .zero, afterOutput: .resume)).stream("?")
        var (text, response) = ("", Response?.none)
        for try await event in stream {
            if case .text(let piece) = event { text += piece }
            if case .response(let whole) = event { response = whole }
        }
        #expect(text == "one two three")
        #expect(response?.text == text)
        #expect(response?.trace?.root.note("resumed") == "after 7 characters")
        #expect(model.requests[1].messages.map(\.role) == [.user, .assistant, .user])
        #expect(model.requests[1].messages[1].text == "one two")
    }

    @Test("continues a text as it stands")
    func resumingText() {
        let rest = Continuation(beginning: "two ").request(for: .completion("one "))
        #expect(rest.input == .completion("one two "))
    }
}

@Suite("A budget for retries")
struct RetryBudgetTests {
    @Test("fills with calls and with time, and never overflows")
    func bucket() {
        let budget = RetryBudget(share: 0.25, perSecond: 1, capacity: 2)
        #expect(budget.withdraw(at: .zero))
        #expect(budget.withdraw(at: .zero))
        #expect(!budget.withdraw(at: .zero))
        for _ in 0..<4 { budget.deposit() }
        #expect(budget.withdraw(at: .zero))
        #expect(!budget.withdraw(at: .milliseconds(999)))
        #expect(budget.withdraw(at: .seconds(1)))
        #expect(budget.withdraw(at: .seconds(100)))
        #expect(budget.withdraw(at: .seconds(100)))
        #expect(!budget.withdraw(at: .seconds(100)))
    }
}

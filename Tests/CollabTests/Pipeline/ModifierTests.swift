import Collab
import CollabTesting
import Testing

@Suite("A modified model")
struct ModifierTests {
    @Test("has another name, in answers and in traces")
    func named() async throws {
        let answer = try await ScriptedModel("m", always: "1").named("helper").respond(to: "?")
        #expect(answer.model == "helper")
        #expect(answer.trace?.root.name == "helper")
    }

    @Test("gets standing instructions before those that are there, in either shape of input")
    func system() async throws {
        let model = ScriptedModel("m", always: "1")
        let helper = model.system("Be brief.")
        _ = try await helper.respond(to: Request([.system("Be kind."), .user("?")]))
        _ = try await helper.respond(to: .completion("Q: ?\nA:"))
        #expect(model.requests[0].messages == [.system("Be brief.\n\nBe kind."), .user("?")])
        #expect(model.requests[1].input == .completion("Be brief.\n\nQ: ?\nA:"))
    }

    @Test("writes with options of its own")
    func options() async throws {
        let model = ScriptedModel("m", always: "one two three")
        let short = model.options { $0.maximumTokens = 2 }.sampling(.temperature(0.5))
        let answer = try await short.respond(to: "?")
        #expect(answer.text == "one two")
        #expect(answer.ending == .tokenLimit)
        #expect(model.requests[0].options.sampling.temperature == 0.5)
    }

    @Test("is booked at its price")
    func priced() async throws {
        let model = ScriptedModel("m", always: "one two three")
            .priced(Price(promptPerMillion: 1, completionPerMillion: 10))
        let run = Run(budget: .cost(Money(0.00004)))
        let answer = try await model.respond(to: "one two", in: run)
        #expect(answer.usage.cost == Money(0.000032))
        _ = try await model.respond(to: "one two", in: run)
        let error = await #expect(throws: CollabError.self) { try await model.respond(to: "?", in: run) }
        #expect(error?.code == .budgetExhausted)
    }

    @Test("keeps the access of its base")
    func access() async throws {
        let base = ScriptedLogitModel("m", vocabulary: ["a", "b", "S"]) { prefix in
            prefix.hasSuffix("a") ? [ScriptedLogitModel.end: 1] : ["a": 1]
        }
        let team: Team<LogitAccess> = Team {
            base.named("x")
            base.system("S").options { $0.maximumTokens = 1 }
        }
        #expect(team.members.map(\.name) == ["x", "m"])
        let tokens = try team.members[1].promptTokens(for: "b")
        #expect(base.vocabulary.text(of: tokens) == "Sb")
        #expect(try await team.members[1].startDecoding("b").promptTokens == 2)
    }

    @Test("is still a collaboration if its base is one")
    func collaboration() async throws {
        let cascade = Cascade(until: .confidence(above: 0.5)) { ScriptedModel("m", always: "1") }
        let answer = try await cascade.named("team").timeout(.seconds(60)).limited(to: 1).respond(
            to: "?"
        )
        #expect(answer.trace?.root.kind == .collaboration)
        #expect(answer.trace?.root.name == "team")
        #expect(answer.usage.calls == 1)
    }
}

@Suite("A model with a fallback")
struct FallbackTests {
    let broken = ScriptedModel("main", always: "1").alwaysFailing()

    @Test("is answered for by the first that does not fail")
    func falls() async throws {
        let model = broken.fallback(to: broken.named("second"), ScriptedModel("third", always: "3"))
        let answer = try await model.respond(to: "?")
        #expect(answer.text == "3")
        #expect(answer.model == "third")
        #expect(answer.trace?.root.children.count == 3)
        #expect(answer.trace?.root.decisions.first?.choice == "third")
    }

    @Test("fails with the last failure if all fail")
    func all() async throws {
        let model = broken.fallback(to: broken)
        let error = try await #require(throws: CollabError.self) { try await model.respond(to: "?") }
        #expect(error.code == .serverError)
    }

    @Test("does not begin a second answer behind a piece of the first")
    func partial() async throws {
        let half = ScriptedModel("main", always: "one two")
            .injecting(.failureAfter(pieces: 1, CollabError(.truncatedResponse, "Cut."))) { _ in true }
        let spare = ScriptedModel("spare", always: "3")
        let error = await #expect(throws: CollabError.self) {
            for try await _ in half.fallback(to: spare).stream("?").text {}
        }
        #expect(error?.code == .truncatedResponse)
        #expect(spare.callCount == 0)
    }

    @Test("does not help against a budget, a cancellation or a request that cannot be answered")
    func unsurvivable() async throws {
        for code in [CollabError.Code.budgetExhausted, .cancelled, .invalidRequest] {
            let spare = ScriptedModel("spare", always: "3")
            let failing = ScriptedModel("m", always: "1").alwaysFailing(with: CollabError(code, "No."))
            let error = await #expect(throws: CollabError.self) {
                try await failing.fallback(to: spare).respond(to: "?")
            }
            #expect(error?.code == code)
            #expect(spare.callCount == 0)
        }
    }
}

@Suite("A model that retries")
struct RetryTests {
    @Test("tries again after a failure that may pass, each attempt a call of its own")
    func again() async throws {
        let clock = VirtualClock()
        let model = ScriptedModel("m", always: "1").failing(on: 1, 2).retrying(.attempts(3))
        let task = Task { try await model.respond(to: "?", in: Run(seed: 1, clock: clock)) }
        for _ in 1...2 {
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(1))
        }
        let answer = try await task.value
        #expect(answer.text == "1")
        // A failed call counts as a call.
        #expect(answer.usage.calls == 3)
        #expect(answer.trace?.calls.count == 3)
    }

    @Test("gives up after its attempts, and at once for failures that do not pass")
    func givesUp() async throws {
        let instant = Retry(attempts: 3, delay: .zero)
        let flaky = ScriptedModel("m", always: "1").failing(on: 1, 2, 3)
        let error = await #expect(throws: CollabError.self) {
            try await flaky.retrying(instant).respond(to: "?")
        }
        #expect(error?.path.contains("attempt 3") == true)
        let denied = ScriptedModel("m", always: "1")
            .failing(on: 1, with: CollabError(.unauthorized, "Wrong key."))
        await #expect(throws: CollabError.self) { try await denied.retrying(instant).respond(to: "?") }
        #expect(try await denied.respond(to: "?").text == "1")
    }

    @Test("does not wait past the deadline")
    func deadline() async throws {
        let clock = VirtualClock()
        let run = Run(budget: .duration(.milliseconds(1)), seed: 3, clock: clock)
        let model = ScriptedModel("m", always: "1").failing(on: 1).retrying(Retry(delay: .seconds(10)))
        let error = await #expect(throws: CollabError.self) { try await model.respond(to: "?", in: run) }
        #expect(error?.code == .serverError)
    }

    @Test("refuses to make no attempt at all")
    func none() async throws {
        let model = ScriptedModel("m", always: "1").retrying(.attempts(0))
        let error = await #expect(throws: CollabError.self) { try await model.respond(to: "?") }
        #expect(error?.code == .invalidRequest)
    }
}

@Suite("A model with a time limit")
struct TimeoutTests {
    @Test("is cancelled when the time is up")
    func tooLate() async throws {
        let clock = VirtualClock()
        let slow = ScriptedModel("slow", always: ScriptedAnswer("1", delay: .seconds(10))).timeout(
            .seconds(5)
        )
        let task = Task { try await slow.respond(to: "?", in: Run(clock: clock)) }
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(5))
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .timeout)
        #expect(error?.message.contains("slow did not answer") == true)
        #expect(clock.sleeperCount == 0)
    }

    @Test("answers as usual in time")
    func inTime() async throws {
        #expect(try await ScriptedModel("m", always: "1").timeout(.seconds(60)).respond(to: "?").text == "1")
    }

    @Test("can be cancelled from outside")
    func cancelled() async throws {
        let stuck = ScriptedModel("m", always: "1").stalling(on: 1).timeout(.seconds(60))
        let task = Task { try await stuck.respond(to: "?") }
        try await Task.sleep(for: .milliseconds(10))
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }
}

@Suite("A model with a concurrency limit")
struct LimitTests {
    @Test("never runs more calls at a time than allowed, and runs them all")
    func limited() async throws {
        let inside = Protected((now: 0, most: 0))
        let model = ScriptedModel("m") { (_, _) throws(CollabError) in
            inside.withLock { inside in
                inside.now += 1
                inside.most = max(inside.most, inside.now)
            }
            for _ in 0..<5 { await Task.yield() }
            inside.withLock { $0.now -= 1 }
            return "1"
        }.limited(to: 2)
        let answers = try await concurrently(Array(0..<10)) { _ throws(CollabError) in
            try await model.respond(to: "?").text
        }
        #expect(answers.count == 10)
        #expect(inside.withLock { $0.most } <= 2)
    }

    @Test("lets a cancelled call leave the line, and frees the place of a failed one")
    func line() async throws {
        let gate = Gate()
        let model = ScriptedModel("m") { (_, call) throws(CollabError) in
            if call == 0 {
                await gate.wait()
                throw CollabError(.serverError, "No.")
            }
            return "1"
        }.limited(to: 1)
        let first = Task { try await model.respond(to: "?") }
        await gate.waitForWaiter()
        let second = Task { try await model.respond(to: "?") }
        second.cancel()
        let error = await #expect(throws: CollabError.self) { try await second.value }
        #expect(error?.code == .cancelled)
        gate.open()
        await #expect(throws: CollabError.self) { try await first.value }
        #expect(try await model.respond(to: "?").text == "1")
    }

    @Test("refuses a limit of nothing")
    func zero() async throws {
        let model = ScriptedModel("m", always: "1").limited(to: 0)
        let error = await #expect(throws: CollabError.self) { try await model.respond(to: "?") }
        #expect(error?.code == .invalidRequest)
    }
}

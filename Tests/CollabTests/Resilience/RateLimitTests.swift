import CollabTesting
import Testing

@testable import Collab

@Suite("A model with a rate limit")
struct RateLimitTests {
    let clock = VirtualClock()

    /// Remembers when it was asked what.
    private func diary() -> (ScriptedModel, Protected<[(String, Duration)]>) {
        let entries = Protected<[(String, Duration)]>([])
        let model = ScriptedModel("m") { [clock] (request, _) throws(CollabError) in
            let now = clock.now
            entries.withLock { $0.append((request.question, now)) }
            return "1"
        }
        return (model, entries)
    }

    @Test("is asked at the pace of the limit, first come, first served, and only one call keeps a timer")
    func pace() async throws {
        let (base, diary) = diary()
        let model = base.rateLimited(RateLimit(requestsPerMinute: 60, burst: .seconds(1)))
        let run = Run(clock: clock)
        _ = try await model.respond(to: "0", in: run)
        var tasks: [Task<Response, any Error>] = []
        for index in 1...4 {
            tasks.append(Task { try await model.respond(to: "\(index)", in: run) })
            // The next one comes when this one stands in line.
            if index == 1 { await clock.waitForSleepers() } else { await line(model, holds: index - 1) }
        }
        #expect(clock.sleeperCount == 1)
        for _ in 1...4 {
            await clock.waitForSleepers()
            clock.advance(by: .seconds(1) + .microseconds(1))
        }
        for task in tasks { _ = try await task.value }
        let entries = diary.withLock { $0 }
        #expect(entries.map(\.0) == ["0", "1", "2", "3", "4"])
        for (index, entry) in entries.enumerated() { #expect(entry.1 >= .seconds(index)) }
        #expect(clock.sleeperCount == 0)
    }

    @Test("lets runs take turns, so that one with many calls holds another up by one call")
    func fairness() async throws {
        let (base, diary) = diary()
        let model = base.rateLimited(RateLimit(requestsPerMinute: 60, burst: .seconds(1)))
        let (many, one) = (Run(clock: clock), Run(clock: clock))
        _ = try await model.respond(to: "0", in: many)
        var tasks: [Task<Response, any Error>] = []
        for index in 1...6 {
            let run = index == 6 ? one : many
            tasks.append(Task { try await model.respond(to: "\(index)", in: run) })
            if index == 1 { await clock.waitForSleepers() } else { await line(model, holds: index - 1) }
        }
        for _ in 1...6 {
            await clock.waitForSleepers()
            clock.advance(by: .seconds(1) + .microseconds(1))
        }
        for task in tasks { _ = try await task.value }
        #expect(diary.withLock { $0.map(\.0) } == ["0", "1", "2", "6", "3", "4", "5"])
    }

    private func line(_ model: RateLimitedModel<ScriptedModel>, holds count: Int) async {
        while model.limiter.waiting < count { await Task.yield() }
    }

    @Test("lets a burst through after a quiet time")
    func burst() async throws {
        let (base, diary) = diary()
        let model = base.rateLimited(RateLimit(requestsPerMinute: 60, burst: .seconds(3)))
        for index in 0..<3 { _ = try await model.respond(to: "\(index)", in: Run(clock: clock)) }
        #expect(diary.withLock { $0.map(\.1) } == [.zero, .zero, .zero])
        let task = Task { try await model.respond(to: "3", in: Run(clock: clock)) }
        await clock.waitForSleepers()
        task.cancel()
        await #expect(throws: CollabError.self) { try await task.value }
    }

    @Test("gives a cancelled call's turn to the next")
    func cancelled() async throws {
        let (base, diary) = diary()
        let model = base.rateLimited(RateLimit(requestsPerMinute: 60, burst: .seconds(1)))
        let run = Run(clock: clock)
        _ = try await model.respond(to: "0", in: run)
        let first = Task { try await model.respond(to: "1", in: run) }
        await clock.waitForSleepers()
        let second = Task { try await model.respond(to: "2", in: run) }
        await line(model, holds: 1)
        first.cancel()
        let error = await #expect(throws: CollabError.self) { try await first.value }
        #expect(error?.code == .cancelled)
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1.1))
        _ = try await second.value
        #expect(diary.withLock { $0.map(\.0) } == ["0", "2"])
    }

    @Test("takes nothing for a call that is cancelled just when its turn has come")
    @MainActor func cancelledAtItsTurn() async throws {
        let limiter = RateLimiter(RateLimit(requestsPerMinute: 60, burst: .seconds(1)))
        let run = Run(budget: .duration(.seconds(2)), clock: clock)
        try await Run.$context.withValue(Run.Context(run: run)) {
            try await limiter.pass(1, name: "m")
            let task = Task { try await limiter.pass(1, name: "m") }
            await clock.waitForSleepers()
            // Both before the task, which is on this actor too, goes on.
            clock.advance(by: .seconds(1.5))
            task.cancel()
            let error = await #expect(throws: CollabError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            // The next would have to wait beyond the run's deadline if anything had been taken.
            try await limiter.pass(1, name: "m")
        }
    }

    @Test("is asked again after an hour, however long a server asks to wait")
    func senselessWait() async throws {
        let limiter = RateLimiter(RateLimit())
        let run = Run(budget: .duration(.seconds(4000)), clock: clock)
        let senseless = FailureTraits(isThrottling: true, retryAfter: .seconds(1e9))
        try await Run.$context.withValue(Run.Context(run: run)) {
            limiter.settle(estimate: 0, failure: senseless)
            let task = Task { try await limiter.pass(1, name: "m") }
            await clock.waitForSleepers()
            clock.advance(by: .seconds(3601))
            try await task.value
        }
    }

    @Test("counts tokens as well, and corrects its estimate when they are known")
    func tokens() async throws {
        // 600 a minute are 10 a second; a burst of 10 s holds 100.
        let limiter = RateLimiter(RateLimit(tokensPerMinute: 600))
        let run = Run(clock: clock)
        let model = RateLimitedModel(
            base: ScriptedModel("m", always: "a b c d"),
            limiter: limiter
        )
        let request = Request("four", options: GenerationOptions(maximumTokens: 89))
        #expect(limiter.estimate(request) == 90)
        _ = try await model.respond(to: request, in: run)
        // It took 5 of the 90.
        _ = try await model.respond(to: request, in: run)
        let third = Task {
            try await model.respond(
                to: Request("four", options: GenerationOptions(maximumTokens: 99)),
                in: run
            )
        }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(0.9))
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .seconds(0.2))
        _ = try await third.value
    }

    @Test("holds everybody back while the server wants rest")
    func pause() async throws {
        let base = ScriptedModel("m", always: "1").failing(on: 1, with: .throttled(for: .seconds(20)))
        let model = base.rateLimited(requestsPerMinute: 6000)
        let run = Run(clock: clock)
        #expect(await outcome(of: model, in: run).error?.code == .rateLimited)
        let task = Task { try await model.respond(to: "?", in: run) }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(19))
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .seconds(1))
        #expect(try await task.value.text == "1")
    }

    @Test("fails at once if its turn would come after the run's deadline")
    func deadline() async {
        let (base, diary) = diary()
        let model = base.rateLimited(RateLimit(requestsPerMinute: 1, burst: .zero))
        let run = Run(budget: .duration(.seconds(30)), clock: clock)
        #expect(await outcome(of: model, in: run).error == nil)
        let error = await outcome(of: model, in: run).error
        #expect(error?.code == .rateLimited)
        #expect(error?.traits.isPossiblyBilled == false)
        #expect(diary.withLock { $0.count } == 1)
    }

    @Test("follows what the server says is left, and counts the calls that the server has not heard of yet")
    func told() async throws {
        let limiter = RateLimiter(RateLimit())
        let quota = RateAllowance.Quota(remaining: 2, reset: .seconds(10))
        try await Run.sleepless(clock) {
            () async throws(CollabError) in
            for _ in 0..<2 { try await limiter.pass(1, name: "m") }
            // One of the two calls is heard; the other may not be in the server's count.
            limiter.hear(RateAllowance(requests: quota), first: 1)
            try await limiter.pass(1, name: "m")
        }
        let task = Task { [clock] in
            try await Run.sleepless(clock) { () async throws(CollabError) in
                try await limiter.pass(1, name: "m")
            }
        }
        await clock.waitForSleepers()
        clock.advance(by: .seconds(9))
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .seconds(1))
        try await task.value
    }

    @Test("ignores a server that tells nonsense")
    func nonsense() {
        for (remaining, reset) in [(-1, 1), (.nan, 1), (.infinity, 1), (0, -1), (0, 1e9)] {
            let quota = RateAllowance.Quota(remaining: remaining, reset: .seconds(reset))
            #expect(ToldQuota(quota, unheard: 0, at: .zero) == nil)
        }
    }

    @Test("refuses limits that cannot be kept")
    func senseless() async {
        for limit in [0, -1, Double.nan, .infinity] {
            let model = ScriptedModel("m", always: "1").rateLimited(requestsPerMinute: limit)
            #expect(await outcome(of: model).error?.code == .invalidRequest)
        }
    }
}

extension Run {
    /// Does something as a call of a run with a clock of its own would.
    fileprivate static func sleepless(
        _ clock: VirtualClock,
        _ work: @escaping @Sendable () async throws(CollabError) -> Void
    ) async throws(CollabError) {
        let model = ScriptedModel("m") { (_, _) async throws(CollabError) in
            try await work()
            return ""
        }
        _ = try await model.respond(to: "?", in: Run(clock: clock))
    }
}

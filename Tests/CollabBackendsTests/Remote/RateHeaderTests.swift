import Collab
import CollabTesting
import Testing

@testable import CollabBackends

@Suite("What servers say is left of their limits", .timeLimit(.minutes(2)))
struct RateHeaderTests {
    private func head(_ fields: [(String, String)]) -> ResponseHead {
        ResponseHead(status: 200, fields: fields.map { ResponseHead.Field(name: $0.0, value: $0.1) })
    }

    @Test("OpenAI's fields are read, and Anthropic's")
    func fields() {
        let openAI = head([
            ("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"), ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"), ("x-ratelimit-reset-tokens", "6m0s"),
        ])
        #expect(
            openAI.allowance
                == RateAllowance(
                    requests: RateAllowance.Quota(remaining: 59, limit: 60, reset: .seconds(1)),
                    tokens: RateAllowance.Quota(remaining: 149_984, limit: 150_000, reset: .seconds(360))
                )
        )
        let anthropic = head([
            ("anthropic-ratelimit-requests-limit", "50"), ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2100-01-01T00:00:00Z"),
        ])
        #expect(anthropic.allowance?.requests?.limit == 50)
        #expect(anthropic.allowance?.requests?.reset ?? .zero > .seconds(86_400))
        #expect(head([("content-type", "text/plain")]).allowance == nil)
    }

    @Test(
        "A reset is a duration, seconds, or a moment",
        arguments: [
            ("6m0s", 360), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("1s", 1), ("17", 17), ("0.25", 0.25),
            ("1d", 86_400), ("1766666676", 10), ("2025-12-25T12:44:36Z", 10),
            ("2025-12-25T13:44:36.5+01:00", 10.5),
            ("2025-12-25T12:44:00Z", 0), ("-1", nil), ("soon", nil), ("", nil), ("5x", nil), ("nan", nil),
            ("s", nil),
            ("2025-13-25T12:44:36Z", nil), ("2025-12-25T12:44:36", nil),
        ] as [(String, Double?)]
    )
    func resets(text: String, seconds: Double?) {
        // 1766666666 is 2025-12-25T12:44:26Z (`date -u -d @1766666666`).
        let duration = durationUntilReset(text, now: 1_766_666_666)
        #expect(duration.map { ($0 / .milliseconds(1)).rounded() } == seconds.map { ($0 * 1000).rounded() })
    }

    @Test("A model that the server has told to wait is not asked before its time")
    func pacing() async throws {
        let server = try FaultServer.running()
        let id = FaultServer.makeID("pacing")
        let clock = VirtualClock()
        // Sixty come back in six seconds, evenly.
        let spec = "rate_limit=60,rate_remaining=0,rate_reset=6s"
        let model = try RemoteModel.faulty(spec, id: id, on: server).rateLimited()
        let run = Run(clock: clock)
        _ = try await model.respond(to: "hi", in: run)
        let second = Task { try await model.respond(to: "hi", in: run) }
        await clock.waitForSleepers()
        clock.advance(by: .milliseconds(99))
        #expect(clock.sleeperCount == 1)
        #expect(try await server.statistics(id).requests == 1)
        clock.advance(by: .milliseconds(2))
        _ = try await second.value
        #expect(try await server.statistics(id).requests == 2)
    }

    @Test("Tokens that are used up are waited for as well, and not beyond the run's deadline")
    func tokens() async throws {
        let server = try FaultServer.running()
        let id = FaultServer.makeID("pacing")
        let spec = "tokens_limit=6000,tokens_remaining=0,tokens_reset=1m0s"
        let model = try RemoteModel.faulty(spec, id: id, on: server).rateLimited()
        let run = Run(budget: .duration(.seconds(5)), clock: VirtualClock())
        _ = try await model.respond(to: "hi", in: run)
        // A thousand tokens need ten seconds at a hundred a second.
        let request = Request("hi", options: GenerationOptions(maximumTokens: 1000))
        let error = await #expect(throws: CollabError.self) { try await model.respond(to: request, in: run) }
        #expect(error?.code == .rateLimited)
        #expect(try await server.statistics(id).requests == 1)
    }

    @Test("A limit that does not follow the server goes on")
    func independent() async throws {
        let server = try FaultServer.running()
        let id = FaultServer.makeID("pacing")
        let limit = RateLimit(followsServer: false)
        let model = try RemoteModel.faulty("rate_remaining=0,rate_reset=1h", id: id, on: server)
            .rateLimited(limit)
        let run = Run(clock: VirtualClock())
        for _ in 0..<3 { _ = try await model.respond(to: "hi", in: run) }
        #expect(try await server.statistics(id).requests == 3)
    }
}

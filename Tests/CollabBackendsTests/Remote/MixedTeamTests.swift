import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// Native models and a real server in one pipeline.
@Suite(
    "A team of native models and a real server",
    .enabled(if: RealServer.isInstalled, "Scripts/real-server --install makes these tests run"),
    .timeLimit(.minutes(5))
)
struct MixedTeamTests {
    private func members() async throws -> (small: any TextModel, gemma: any TextModel, remote: RemoteModel) {
        func brief(_ model: some TextModel, _ name: String) -> any TextModel {
            model.named(name).options { $0.maximumTokens = min($0.maximumTokens ?? 12, 12) }
        }
        return (
            brief(try await NativeFixtures.model(.smolLM2), "SmolLM2"),
            brief(try await NativeFixtures.model(.gemma3), "Gemma 3"), try RealServer.running().model()
        )
    }

    @Test("routes, cascades, explains and logs across all three")
    func team() async throws {
        let (small, gemma, remote) = try await members()
        let log = OutcomeCollector()
        let desk = Pipeline("desk") {
            Route(
                by: .examples([
                    "facts": ["What is the capital of France?", "Which country is Rome in?"],
                    "sums": ["What is 3 + 4?"],
                ])
            ) {
                Team("facts") {
                    small
                    gemma
                    remote.named("server")
                }
                Team("sums") { gemma }
            }
            // No answer is this sure, so everybody is asked, and the surest is taken.
            Cascade(until: .confidence(above: 0.9999))
        }
        let request = Request("What is the capital of Italy?", options: GenerationOptions(maximumTokens: 12))
        let plan = try await desk.explain(request)
        #expect(plan.decision?.choice == "facts")
        #expect(plan.members == ["SmolLM2", "Gemma 3", "server"])
        #expect(plan.calls == 1...3)

        let answer = try await desk.logging(to: log, quality: { $1.contains("Rome") ? 1 : 0 }).respond(
            to: request
        )
        let trace = try #require(answer.trace)
        #expect(trace.calls.map(\.name) == ["SmolLM2", "Gemma 3", "server"])
        #expect(trace.calls.contains { $0.text == answer.text }, "\(trace)")
        let cascade = try #require(log.outcomes.first { $0.decision.place == "cascade" })
        #expect(cascade.members.map(\.name) == ["SmolLM2", "Gemma 3", "server"])
        #expect(cascade.members.prefix(2).allSatisfy { $0.confidence != nil })
        #expect(log.outcomes.contains { $0.decision.choice == "facts" && $0.scores.count == 2 })
        #expect(try await desk.respond(to: "What is 4 + 5?").trace?.calls.map(\.name) == ["Gemma 3"])
    }

    @Test("keeps private requests to the models of this process")
    func keepsPrivate() async throws {
        let (small, gemma, remote) = try await members()
        let desk = Pipeline {
            Team {
                remote.named("server")
                small
                gemma
            }
            KeepLocal()
            Cascade(until: .confidence(above: 0.9999))
        }
        let options = GenerationOptions(maximumTokens: 8)
        let secret = try await desk.respond(to: Request("My mail is jane@example.org. Hi!", options: options))
        #expect(secret.trace?.calls.map(\.name) == ["SmolLM2", "Gemma 3"])
        let open = try await desk.respond(to: Request("Hi!", options: options))
        #expect(open.trace?.calls.map(\.name) == ["server", "SmolLM2", "Gemma 3"])
    }
}

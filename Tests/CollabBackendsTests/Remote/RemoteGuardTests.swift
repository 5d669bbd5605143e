import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// Modifiers that hold for everything that a model is asked, scores and vectors included.
@Suite("Remote: requests that pass modifiers", .timeLimit(.minutes(2)))
struct RemoteGuardTests {
    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("guarded")
    }

    private func model(_ faults: String, _ kind: ServerKind = .vLLM, _ part: String = "") throws
        -> RemoteModel
    {
        try RemoteModel.faulty(faults, id: id + part, on: server, server: kind)
    }

    private let retry = Retry(delay: .zero)

    @Test(
        "Scores, lists of tokens, vectors and answers are asked for again",
        arguments: ["status=503", "reset=before"]
    )
    func retries(fault: String) async throws {
        let retry = retry
        let model = try model("\(fault),times=1").guarded { $0.retrying(retry) }
        #expect(try await model.respond(to: "hi").text.hasPrefix("Paris"))
        let scorer = try self.model("\(fault),times=1,skip=2", .vLLM, "-scores").guarded {
            $0.retrying(retry)
        }.scoring()
        // The tokens of prompt and continuation are two requests; the score, which fails once, is the third.
        let scores = try await scorer.score(["B"], after: .completion("A"))
        #expect(scores[0].tokenLogprobs.count == 1)
        let tops = try self.model("\(fault),times=1", .vLLM, "-tops").guarded { $0.retrying(retry) }
            .listingTops()
        let answer = try await tops.startAnswer(.completion("A"))
        #expect(try await answer.next(count: 3).entries.count == 3)
        let base = server.base("\(fault),times=1", id: id + "-vectors")
        let settings = RemoteSettings(transport: try Transport())
        let encoder = try RemoteEmbeddingModel("e", at: base, dimension: 3, settings: settings)
        #expect(try await encoder.guarded { $0.retrying(retry) }.embed(["x"]).count == 1)
        await #expect(throws: CollabError.self) {
            try await RemoteEmbeddingModel(
                "e",
                at: server.base(fault, id: id + "-bare"),
                dimension: 3,
                settings: settings
            ).embed(["x"])
        }
    }

    @Test("A limit holds over answers, scores and constrained siblings together")
    func limit() async throws {
        let model = try model("concurrency=2,token_ms=2").guarded { $0.limited(to: 2) }
        let scorer = try model.scoring()
        let constrained = try model.constrained(to: .choices(["yes", "no"]))
        _ = try await concurrently(Array(0..<12)) { (number) async throws(CollabError) -> Int in
            switch number % 3 {
            case 0: try await scorer.score(["B"], after: .completion("A")).count
            case 1: try await constrained.respond(to: "hi").text.count
            default: try await model.respond(to: "hi").text.count
            }
        }
        let statistics = try await server.statistics(id)
        #expect(statistics.rejected == 0)
        #expect(statistics.mostInFlight <= 2)
    }

    @Test("An open circuit keeps requests for scores away too")
    func circuit() async throws {
        let rule = CircuitRule(failuresInARow: 1)
        let scorer = try model("status=503").guarded { $0.circuitBreaking(rule) }.scoring()
        var codes: [CollabError.Code] = []
        for _ in 0..<3 {
            do throws(CollabError) { _ = try await scorer.score(["B"], after: .completion("A")) } catch {
                codes.append(error.code)
            }
        }
        #expect(codes == [.serverError, .circuitOpen, .circuitOpen])
        #expect(try await server.statistics(id).requests == 1)
    }

    @Test("Scores are booked once, however often they were asked for")
    func booking() async throws {
        let retry = retry
        let bare = try model("ok").guarded { $0.retrying(retry) }.scoring()
        let guarded = try RemoteModel.faulty("status=503,times=1", id: id + "-2", on: server, server: .vLLM)
            .guarded { $0.retrying(retry) }.scoring()
        var usages: [Usage] = []
        for scorer in [bare, guarded] {
            let run = Run()
            _ = try await Scoring(scorer: scorer).respond(to: .completion("A"), in: run)
            usages.append(run.usage)
        }
        #expect(usages[0] == usages[1])
        #expect(usages[0].calls == 1)
    }

    /// Scores something, as a router does.
    private struct Scoring: Collaboration {
        let scorer: RemoteScoringModel
        let name = "scoring"

        func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
            try await Run.measure(scorer.name, request) { () async throws(CollabError) in
                (Response(text: "\(try await scorer.score(["B"], after: request).count)", model: name), "")
            }
        }
    }

    @Test("A modifier that answers in the server's place has no scores")
    func substitutes() async throws {
        let scorer = try model("status=503").guarded {
            $0.fallback(to: ScriptedModel("other", always: "ok"))
        }.scoring()
        let error = await #expect(throws: CollabError.self) {
            try await scorer.score(["B"], after: .completion("A"))
        }
        #expect(error?.code == .unsupported)
    }
}

import Collab
import CollabTesting
import Testing

@testable import CollabBackends

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// vLLM itself. It is too large to be installed for every run of the tests: start one that serves SmolLM2 as `smollm2`
/// with `--max-logprobs -1`, and name its address, such as `http://127.0.0.1:8000/v1`, in COLLAB_VLLM and its key in
/// COLLAB_VLLM_KEY.
@Suite(
    "A real vLLM",
    .enabled(if: ProcessInfo.processInfo.environment["COLLAB_VLLM"] != nil, "COLLAB_VLLM names no server"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct RealVLLMTests {
    private func model(_ options: ServerOption...) throws -> RemoteModel {
        let address = ProcessInfo.processInfo.environment["COLLAB_VLLM"] ?? ""
        let settings = RemoteSettings(options: options, reportsLogprobs: true)
        return try RemoteModel(
            "smollm2",
            at: address,
            key: .environment("COLLAB_VLLM_KEY"),
            server: .vLLM,
            settings: settings
        )
    }

    @Test("Tokens, text, and the same tokens again")
    func tokens() async throws {
        let model = try model()
        let tokens = try await model.tokens(of: "The capital of France is")
        #expect(tokens == [504, 3575, 282, 4649, 314])
        #expect(try await model.text(of: tokens) == "The capital of France is")
        let dialogue = try await model.promptTokens(for: Request([.user("Hi")]))
        #expect(dialogue.first == 1)
    }

    @Test("Continuations are scored: the capital of France is Paris rather than Rome")
    func scores() async throws {
        let scores = try await model().scoring()
            .score([" Paris", " Rome", " a banana"], after: .completion("The capital of France is"))
        #expect(scores[0].logprob > scores[1].logprob)
        #expect(abs(scores[0].logprob - -0.26) < 0.05)
        #expect(scores[2].tokenLogprobs.count >= 2)
    }

    @Test("Structured outputs, ids of tokens, more alternatives than twenty, running usage")
    func options() async throws {
        let chosen = try await model(.choices(["yes", "no"])).respond(to: "Is water wet?")
        #expect(["yes", "no"].contains(chosen.text))
        let request = Request.completion(
            "The capital of France is",
            options: GenerationOptions(maximumTokens: 2, alternatives: 50)
        )
        let answer = try await model(.runningUsage).respond(to: request)
        #expect(answer.text == " Paris.")
        #expect(answer.tokens?.first?.alternatives.count == 50)
        #expect(answer.usage.promptTokens == 5)
        #expect(answer.usage.completionTokens == 2)
        let named = try await model(.tokenIDs).respond(
            to: Request("Say hi.", options: GenerationOptions(maximumTokens: 2))
        )
        #expect(named.tokens?.allSatisfy { $0.id != nil } == true)
        let matched = try await model(.regularExpression("[0-9]{3}")).respond(to: "A number?")
        #expect(matched.text.wholeMatch(of: /[0-9]{3}/) != nil)
    }

    @Test("Anthropic's and OpenAI's newer protocols")
    func dialects() async throws {
        let address = ProcessInfo.processInfo.environment["COLLAB_VLLM"] ?? ""
        for kind in [ServerKind.anthropic, .openAIResponses] {
            var settings = RemoteSettings()
            settings.keyField = .bearer
            let model = try RemoteModel(
                "smollm2",
                at: address,
                key: .environment("COLLAB_VLLM_KEY"),
                server: kind,
                settings: settings
            )
            let request = Request("Say hi.", options: GenerationOptions(maximumTokens: 16))
            let answer = try await model.respond(to: request)
            #expect(!answer.text.isEmpty)
            #expect(answer.usage.promptTokens > 0 && answer.usage.completionTokens > 0)
        }
    }

    @Test("A local member guesses, and one request tells what vLLM finds likely after each guess")
    func verifying() async throws {
        let native = TopsOfLogits(try await NativeFixtures.model(.smolLM2))
        let request = Request.completion(
            "The capital of France is",
            options: GenerationOptions(maximumTokens: 12)
        )
        for fusion in [Fusion.mixture, .productOfExperts] {
            var texts: [String] = []
            var requests: [Int] = []
            for lookahead in [0, 4] {
                let run = Run()
                let members: [any TopLogprobModel] = [native, try model().listingTops(atMost: 200)]
                let partial = PartialFusion(fusion, members: members, lookahead: lookahead)
                texts.append(try await partial.respond(to: request, in: run).text)
                let call = try #require(run.trace?.calls.first)
                requests.append(try #require(call.note("requests").flatMap { Int($0) }))
                #expect(call.note("certainty") != nil)
            }
            #expect(texts[0].hasPrefix(" Paris") && texts[0] == texts[1], "\(fusion): \(texts)")
            // The same model, so that most guesses are right.
            #expect(requests[0] >= 12 && requests[1] <= 9, "\(fusion): \(requests)")
        }
    }
}

import Collab
import Foundation
import Testing

@testable import CollabBackends

private let vLLMAddress = ProcessInfo.processInfo.environment["COLLAB_VLLM_SERVER"]

/// A remote model on a real vLLM with SmolLM2-135M-Instruct, held against the same weights in this process.
///
/// vLLM takes minutes to start and gigabytes of disk, so the tests do not start it: `COLLAB_VLLM_SERVER` names one, such as
/// `http://127.0.0.1:8000/v1`, that offers the model as `smollm2` (`--served-model-name smollm2 --max-logprobs -1`).
@Suite(
    "Remote model on a real vLLM",
    .enabled(if: vLLMAddress != nil, "COLLAB_VLLM_SERVER names no server"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct VLLMServerTests {
    private let question = Request.completion(
        "The capital of France is",
        options: GenerationOptions(maximumTokens: 4, alternatives: 30)
    )

    private func model(_ options: [ServerOption] = []) throws -> RemoteModel {
        try RemoteModel(
            "smollm2",
            at: vLLMAddress ?? "",
            server: .vLLM,
            settings: RemoteSettings(options: options)
        )
    }

    @Test("Texts become the tokens that they become in this process, and text again")
    func tokens() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        for text in ["The capital of France is", " Paris.", "日本 🙂"] {
            let tokens = try await model().tokens(of: text)
            #expect(try native.tokenizer.encode(text, parsingSpecialTokens: false) == tokens)
            #expect(try await model().text(of: tokens) == text)
        }
        let dialogue = Request([.user("Hello")])
        #expect(try await model().promptTokens(for: dialogue) == native.promptTokens(for: dialogue))
    }

    @Test("Continuations are as probable as in this process")
    func scores() async throws {
        let native = try await NativeFixtures.model(.smolLM2, exact: true)
        let texts = [" Paris.", " London.", " a city of light"]
        let there = try await model().scoring().score(texts, after: question)
        let here = try await native.score(texts, after: question)
        for (left, right) in zip(there, here) {
            #expect(left.tokenLogprobs.count == right.tokenLogprobs.count)
            #expect(abs(left.logprob - right.logprob) < 0.15, "\(left) \(right)")
        }
    }

    @Test("More than twenty alternatives come, with the ids of the tokens")
    func alternatives() async throws {
        let response = try await model([.tokenIDs, .runningUsage]).respond(to: question)
        let tokens = try #require(response.tokens)
        #expect(tokens.first?.id == 7042)
        #expect(tokens.allSatisfy { $0.id != nil && $0.alternatives.count == 30 })
        #expect(response.usage.completionTokens == tokens.count)
    }

    @Test("Answers keep to choices, expressions, schemas and sets of tokens")
    func constraints() async throws {
        func text(_ option: ServerOption) async throws -> String {
            try await model([option]).respond(to: question).text
        }
        #expect([" London", " Rome"].contains(try await text(.choices([" London", " Rome"]))))
        #expect(try await text(.regularExpression(" [0-9]{2}")).wholeMatch(of: #/ [0-9]{2}/#) != nil)
        #expect(Set(try await text(.allowedTokens([30]))) == ["."])
        #expect(!(try await text(.logitBias([7042: -100]))).hasPrefix(" Paris"))
        let schema: JSONValue = [
            "type": "object", "properties": ["a": ["type": "integer"]], "required": ["a"],
            "additionalProperties": false,
        ]
        let request = Request("The answer as JSON.", options: GenerationOptions(maximumTokens: 40))
        let json = try await model([.jsonSchema(schema)]).respond(to: request).text
        #expect(json.first == "{")
    }

    @Test("A server that was not told to load adapters says so")
    func adapters() async throws {
        #expect(try await model().availableAdapters().isEmpty)
        let error = await #expect(throws: CollabError.self) {
            try await model().loadAdapter("a", from: "/nowhere")
        }
        #expect(error?.remoteFailure?.kind == .notFound)
    }
}

import Collab
import CollabTesting
import Testing

@testable import CollabBackends

@Suite(
    "A real vLLM",
    .enabled(if: RealVLLM.isNamed, "COLLAB_VLLM names no server"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct RealVLLMTests {
    private func model(_ options: ServerOption...) throws -> RemoteModel {
        try RealVLLM.model("smollm2", options)
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
        for kind in [ServerKind.anthropic, .openAIResponses] {
            let model = try RealVLLM.model(server: kind) { $0.keyField = .bearer }
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

    @Test("What it lists after each guess in one request is what it lists when it is asked token by token")
    func foreseeing() async throws {
        let lister = try model().listingTops(atMost: 40)
        let request = Request.completion("The capital of France is")
        let (one, many) = (try await lister.startAnswer(request), try await lister.startAnswer(request))
        // The third is not what the model would say, so it stands below the listed ones.
        let guesses = [" Paris", ".", " Bananas"].map { Array($0.utf8) }
        try await one.foresee(guesses, count: 40)
        for guess in guesses + [[]] {
            let (ahead, alone) = (try await one.next(count: 40), try await many.next(count: 40))
            #expect(ahead.entries.count == alone.entries.count)
            #expect(ahead.entries[0].bytes == alone.entries[0].bytes)
            var compared = 0
            for entry in ahead.entries {
                // Neighbours at the list's end may change places.
                guard let logprob = alone.logprob(of: entry.bytes) else { continue }
                #expect(abs(entry.logprob - logprob) < 1e-3)
                compared += 1
            }
            #expect(compared >= ahead.entries.count - 1)
            if guess.isEmpty { break }
            try await one.write(guess)
            try await many.write(guess)
        }
        // One request for all, beside one a place.
        #expect(one.usage.calls == 1 && many.usage.calls == 4)
    }

    @Test("Log-probabilities of a prompt are those of the same weights here")
    func promptLogprobs() async throws {
        // The server's weights are these, rounded to bfloat16: up to 0.065 apart where it was measured.
        let exact = try await NativeFixtures.model(.smolLM2, exact: true)
        let prompt = Request.completion("The capital of France is")
        let lister = try model().listingTops(atMost: 40)
        let (there, here) = (
            try await lister.startAnswer(prompt), try await TopsOfLogits(exact).startAnswer(prompt)
        )
        for word in [" Paris", ".", " It", " is"].map({ Array($0.utf8) }) {
            let (theirs, ours) = (try await there.next(count: 40), try await here.next(count: 40))
            for entry in theirs.entries.prefix(10) {
                let logprob = try #require(ours.logprob(of: entry.bytes))
                #expect(abs(entry.logprob - logprob) < 0.1)
            }
            #expect(theirs.entries[0].bytes == ours.entries[0].bytes)
            try await there.write(word)
            try await here.write(word)
        }
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

/// What a native model makes of requests.
@Suite struct NativeModelTests {
    @Test func isCalledAsItsFileUnlessItGetsAName() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        #expect(native.name == "SmolLM2-135M-Instruct.Q4_1")
        let named = try await NativeModel(contentsOf: RealModel.smolLM2.path, name: "small")
        #expect(named.name == "small")
    }

    @Test func answersInTheModelsOwnChatFormat() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let request = Request(
            [.system("Answer briefly."), .user("Hello")],
            options: GenerationOptions(maximumTokens: 24)
        )
        let response = try await native.respond(to: request)
        // What llama.cpp answers too; the end token ends it.
        #expect(response.text == "Hello.")
        #expect(response.ending == .finished)
    }

    @Test func whatTextsBeginWithAlikeIsComputedOnce() async throws {
        let native = try await NativeModel(
            contentsOf: RealModel.smolLM2.path,
            options: NativeOptions(threads: 2)
        )
        let page = String(repeating: "The walrus and the carpenter were walking close at hand. ", count: 12)
        let first = try await native.startDecoding(.completion(page + "They wept"))
        #expect(first.cachedTokens == 0)
        let second = try await native.startDecoding(.completion(page + "The sun was"))
        #expect(second.cachedTokens > 100)
        #expect(second.promptTokens > second.cachedTokens)
        let fresh = try await native.makeDecoder()
        let tokens = try native.promptTokens(for: .completion(page + "The sun was"))
        #expect(try await fresh.append(tokens, logits: .last)[0].values == second.logits.values)
        // The same request again computes its last token only.
        let third = try await native.startDecoding(.completion(page + "The sun was"))
        #expect(third.cachedTokens == third.promptTokens - 1)
        #expect(third.logits.values == second.logits.values)
    }

    @Test("a prompt that was scored before is not read again, and the scores are the same")
    func scoringFindsItsPrompt() async throws {
        let native = try await NativeModel(
            contentsOf: RealModel.smolLM2.path,
            options: NativeOptions(threads: 1)
        )
        let request = Request.completion(
            "The capital of France is Paris, and the capital of Italy, as everybody has heard, is"
        )
        let first = try await native.score([" Rome", " Oslo"], after: request)
        #expect(native.promptCache.tokensSaved == 0)
        #expect(try await native.score([" Rome", " Oslo"], after: request) == first)
        // All but the last token, which each continuation reads, and the one before it, which a look-up leaves out.
        let prompt = try native.promptTokens(for: request)
        #expect(native.promptCache.tokensSaved == prompt.count - 2)
    }

    @Test func scoresContinuationsAsTheLogitsSay() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let request = Request.completion("The capital of France is")
        let scores = try await native.score([" Paris", " Berlin", " the city of Paris", ""], after: request)
        #expect(scores.map(\.text) == [" Paris", " Berlin", " the city of Paris", ""])
        #expect(scores[0].logprob > scores[1].logprob)
        #expect(scores[3].tokenLogprobs.isEmpty)
        let tokens = try native.tokenizer.encode(" the city of Paris", parsingSpecialTokens: false)
        let decoder = try await native.makeDecoder()
        let prompt = try native.promptTokens(for: request)
        _ = try await decoder.append(Array(prompt.dropLast()), logits: .none)
        let logits = try await decoder.append([prompt.last!] + tokens, logits: .all)
        for (index, token) in tokens.enumerated() {
            let values = logits[index].values.map { Double($0) }
            let peak = values.max()!
            let total = peak + log(values.reduce(0) { $0 + exp($1 - peak) })
            #expect(abs(scores[2].tokenLogprobs[index] - (values[Int(token)] - total)) < 1e-4)
        }
    }

    @Test(arguments: ["", "   "])
    func aPromptOfNoTokensIsRefused(text: String) async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let request = Request.completion(text)
        guard try native.promptTokens(for: request).isEmpty else { return }
        await #expect { try await native.startDecoding(request) } throws: { error in
            (error as? CollabError)?.code == .invalidRequest
        }
    }

    @Test func embedsAlikeTextsAlike() async throws {
        let native = try await NativeFixtures.model(.smolLM2)
        let vectors = try await native.embed([
            "The cat sat on the mat.", "A cat is on the mat.", "let x = 3 + y",
        ])
        func cosine(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        #expect(vectors.allSatisfy { $0.count == native.dimension && abs(cosine($0, $0) - 1) < 1e-3 })
        #expect(cosine(vectors[0], vectors[1]) > cosine(vectors[0], vectors[2]))
    }

    @Test func capturesWhatEntersAMatrix() async throws {
        let native = try await NativeFixtures.model(.smolLM2, exact: true)
        let tokens: [TokenID] = [504, 3575, 282, 4649, 314]
        let down = try await native.captureActivations(tokens: tokens, tensor: "blk.7.ffn_down", position: 3)
        #expect(down.count == native.configuration.feedForwardLength)
        // A position sees nothing of what follows it.
        let again = try await native.captureActivations(
            tokens: Array(tokens.prefix(4)),
            tensor: "blk.7.ffn_down.weight",
            position: 3
        )
        #expect(again == down)
        // The first layer's queries come from the normalised embedding.
        let query = try await native.captureActivations(tokens: tokens, tensor: "blk.0.attn_q", position: 0)
        let embedding = try native.checkpoint.values(of: "token_embd.weight", row: 504, columns: query.count)
        let norm = try native.checkpoint.values(of: "blk.0.attn_norm.weight")
        let scale = 1 / (embedding.reduce(0) { $0 + $1 * $1 } / Float(query.count) + 1e-5).squareRoot()
        for index in query.indices {
            #expect(abs(query[index] - embedding[index] * scale * norm[index]) < 1e-4)
        }
        await #expect {
            try await native.captureActivations(tokens: tokens, tensor: "blk.99.ffn_down", position: 0)
        } throws: { ($0 as? CollabError)?.code == .invalidRequest }
    }
}

extension Checkpoint {
    /// One row of a matrix.
    fileprivate func values(of tensor: String, row: Int, columns: Int) throws -> [Float] {
        var values = [Float](repeating: 0, count: columns)
        try values.withUnsafeMutableBufferPointer { buffer in
            try read(tensor, elements: row * columns..<(row + 1) * columns, into: buffer)
        }
        return values
    }
}

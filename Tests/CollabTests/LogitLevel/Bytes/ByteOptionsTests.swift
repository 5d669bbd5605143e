import Testing

@testable import Collab

@Suite("Options of models that write bytes")
struct ByteOptionsTests {
    /// Letters without an end.
    private static func bytes() -> ByteModel {
        var model = ToyModel("endless", ToyTokenizer(["a", "b"]), always: [1, 0, -.infinity])
        model.contextLength = 4096
        return ByteModel(model)
    }

    /// A model that writes bytes, in everything that may be around it.
    private static func wrapped(_ kind: String) throws -> any TextModel {
        let model = bytes()
        switch kind {
        case "alone": return model
        case "formula": return model + 0.5 * bytes()
        case "fusion": return FusedModel(nil, .mixture, members: [model, bytes()])
        case "turns": return FusedModel(nil, .mixture, members: [model, bytes()]).alternating(.fixed(1))
        case "constraint": return model.constrained(to: try .regularExpression("[ab]+"))
        case "processor": return model.processed(by: TokenBias([:]))
        case "guesses": return model.speculating(with: PromptLookup(), length: .fixed(2))
        case "role": return model.role("careful").named("other")
        case "switching": return SwitchingModel(.patches(of: 100), members: [model, bytes()])
        default: return FuseBytes(.mixture) { [model.base] }
        }
    }

    private static let kinds = [
        "alone", "formula", "fusion", "turns", "constraint", "processor", "guesses", "role", "switching",
        "fused bytes",
    ]

    @Test("2,048 bytes are the limit when nobody says, and no repetition is penalised", arguments: kinds)
    func options(kind: String) async throws {
        let model = try Self.wrapped(kind)
        let response = try await model.respond(to: .completion("a"))
        #expect(response.text.utf8.count == 2048 && response.ending == .tokenLimit)
        let short = GenerationOptions(maximumTokens: 3)
        #expect(try await model.respond(to: .completion("a", options: short)).text.utf8.count == 3)
        let penalty = GenerationOptions(sampling: Sampling(repetitionPenalty: 1.2))
        let error = await #expect(throws: CollabError.self) {
            try await model.respond(to: .completion("a", options: penalty))
        }
        #expect(error?.code == .invalidRequest)
    }

    @Test("a budget of tokens that nobody spends for an answer does not shorten it")
    func budget() async throws {
        let run = Run(budget: Budget(tokens: 10_000))
        let response = try await Self.bytes().respond(to: .completion("a"), in: run)
        #expect(response.text.utf8.count == 2048)
    }
}

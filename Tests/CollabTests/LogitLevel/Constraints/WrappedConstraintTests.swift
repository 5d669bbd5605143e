import Testing

@testable import Collab

@Suite("Constrained models inside others")
struct WrappedConstraintTests {
    private static let model = ToyModel("letters", always: [1, 0.5, 0, 0.2, -9])

    /// Whatever can be made of a constrained model, by name.
    private static func wrappers(_ inner: some LogitModel) -> [(String, any TextModel)] {
        let fused = FusedModel(nil, .mixture, members: [inner, inner.role("other")])
        return [
            ("itself", inner), ("guesses", inner.speculating(with: PromptLookup())),
            ("bias", inner.processed(by: TokenBias([:]))), ("guidance", inner.guided(towards: "Be brief.")),
            ("name", inner.named("other")), ("fusion", fused), ("turns", fused.alternating()),
            ("formula", 2 * inner), ("classifier", inner.steered(by: ClosureClassifier("any") { _ in 0.5 })),
            ("bytes", ByteModel(inner)), ("fusion of bytes", FuseBytes(.mixture) { inner }),
            ("union", FuseUnion(.mixture, members: [inner])),
            ("cascade", TokenCascade(inner, inner, deferring: .chow(0.5))),
            ("patches", SwitchingModel(.patches(of: 2), members: [inner])),
            ("likeliest tokens", PartialFusion(.mixture, members: [TopsOfLogits(inner)])),
            ("beams", inner.searchingBeams()),
            ("beams of guesses", inner.speculating(with: PromptLookup()).searchingBeams()),
        ]
    }

    @Test("an answer that ends too early is an error, whatever wraps the model")
    func unfinished() async throws {
        let constrained = Self.model.constrained(to: try .choices(["abcd"]))
        for (name, wrapped) in Self.wrappers(constrained) {
            for options in [
                GenerationOptions(maximumTokens: 2), GenerationOptions(stopSequences: ["c"]),
            ] {
                let request = Request(.completion("a"), options: options)
                let error = await #expect(throws: CollabError.self, "\(name)") {
                    try await wrapped.respond(to: request)
                }
                #expect(error?.code == .unfinishedAnswer, "\(name): \(error?.message ?? "")")
                #expect((error?.cause as? UnfinishedAnswer)?.text == "ab", "\(name)")
            }
        }
    }

    @Test("what an unfinished answer took is booked, so that a budget of tokens or money comes to its end")
    func booked() async throws {
        let constrained = Self.model.constrained(to: try .choices(["abcd"]))
        let request = Request(.completion("a"), options: GenerationOptions(maximumTokens: 2))
        let price = Price(promptPerMillion: 0, completionPerMillion: 1)
        var cases = Self.wrappers(constrained).map { ($0, $1, Budget.tokens(6)) }
        cases.append(("price", constrained.priced(price), .cost(Money(0.000005))))
        for (name, model, budget) in cases {
            let run = Run(budget: budget)
            var codes: [CollabError.Code?] = []
            for _ in 0..<8 {
                let error = await #expect(throws: CollabError.self) {
                    try await model.respond(to: request, in: run)
                }
                codes.append(error?.code)
            }
            #expect(codes.first == .unfinishedAnswer && codes.last == .budgetExhausted, "\(name): \(codes)")
        }
    }

    @Test("a whole answer is none, at the limit or before it")
    func whole() async throws {
        let constrained = Self.model.constrained(to: try .choices(["abcd"]))
        for (name, wrapped) in Self.wrappers(constrained) {
            for limit in [4, 9] {
                let request = Request(
                    .completion("a"),
                    options: GenerationOptions(maximumTokens: limit)
                )
                #expect(try await wrapped.respond(to: request).text == "abcd", "\(name)")
            }
        }
    }

    @Test("white space that a constraint demands is kept in a dialogue")
    func whitespace() async throws {
        let model = ToyModel("spaces", ToyTokenizer([" ", "n", "o"]), always: [0, 0, 0, -9])
        let constrained = model.constrained(to: try .choices([" no"]))
        for (name, wrapped) in Self.wrappers(constrained) {
            #expect(try await wrapped.respond(to: Request("n")).text == " no", "\(name)")
        }
    }
}

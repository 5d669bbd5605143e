import Collab
import CollabTesting
import Testing

@testable import CollabBackends

@Suite(
    "What a real vLLM lets be written",
    .enabled(if: RealVLLM.isNamed, "COLLAB_VLLM names no server"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct RealVLLMConstraintTests {
    private let wild = GenerationOptions(maximumTokens: 80, sampling: .temperature(1.5), seed: 3)

    @Test("It keeps to our choices, expressions and grammars, sampled however wildly")
    func constraints() async throws {
        let request = Request("Tell me something.", options: wild)
        for constraint in [
            try Constraint.choices(["a \"b\"", "é\\n"]),
            try .regularExpression("([A-Z][a-z]{1,5} ){2,3}(1|2\\.5)"),
            try Constraint("sums", Self.sums),
        ] {
            let text = try await RealVLLM.model().constrained(to: constraint).respond(to: request).text
            #expect(try constraint.allows(text), "\(constraint.name): \(text)")
        }
    }

    @Test("A grammar of its own form is kept to")
    func grammar() async throws {
        let option = ServerOption.grammar(#"root ::= ("wet" | "dry") " " [0-9] [0-9]"#)
        let answer = try await RealVLLM.model("smollm2", [option]).respond(
            to: Request("Is water wet?", options: wild)
        )
        #expect(answer.text.wholeMatch(of: /(wet|dry) [0-9][0-9]/) != nil, "\(answer.text)")
        #expect(answer.ending == .finished)
    }

    @Test("An answer of a schema is JSON of it, and a value of a type")
    func schema() async throws {
        let schema: JSONValue = [
            "type": "object", "required": ["city", "days"], "additionalProperties": false,
            "properties": [
                "city": ["type": "string", "maxLength": 12],
                "days": ["type": "integer", "minimum": 1, "maximum": 9],
            ],
        ]
        let model = try RealVLLM.model("smollm2", [.jsonSchema(schema)])
        let text = try await model.respond(to: Request("A journey to Rome.", options: wild)).text
        let json = try JSONValue(parsing: Array(text.utf8), policy: .wire)
        #expect(json["city"]?.stringValue.map { $0.unicodeScalars.count <= 12 } == true, "\(text)")
        #expect(json["days"]?.intValue.map { (1...9).contains($0) } == true, "\(text)")
        let question: Request = "Extract the person as JSON: Anna Berg, 41 years old, bought a bicycle."
        let person = try await RealVLLM.model().respond(to: question, as: TypedResponseTests.Person.self)
        #expect(!person.value.name.isEmpty && (0...130).contains(person.value.age ?? 0))
    }

    @Test("A bias of logits forbids a token, and allowed tokens forbid all others")
    func tokens() async throws {
        let options = GenerationOptions(maximumTokens: 4, alternatives: 3)
        let request = Request.completion("The capital of France is", options: options)
        let paris = TokenID(7042)
        #expect(try await RealVLLM.model().respond(to: request).text.hasPrefix(" Paris"))
        let without = try await RealVLLM.model("smollm2", [.logitBias([paris: -100])]).respond(to: request)
        #expect(!without.text.contains("Paris"))
        // Log-probabilities are those before the bias, as the server reports them.
        #expect(abs((without.tokens?.first?.alternatives.first?.logprob ?? 0) - -0.26) < 0.05)
        let wanted = try await RealVLLM.model("smollm2", [.logitBias([4649: 100])]).respond(to: request)
        #expect(wanted.text == " France France France France")
        let allowed = try await RealVLLM.model("smollm2", [.allowedTokens([paris, 260]), .tokenIDs])
            .respond(to: request)
        #expect(allowed.tokens?.count == 4)
        #expect(allowed.tokens?.allSatisfy { $0.id == paris || $0.id == 260 } == true)
        #expect(allowed.text.hasPrefix(" Paris"))
    }

    private static let sums = Grammar(
        .sequence([.rule("term"), .repeated(.sequence([.text("+"), .rule("term")]), 1...2)]),
        rules: [
            "term": .choice([
                .repeated(.scalar(.digits), 1...3), .sequence([.text("("), .rule("short"), .text(")")]),
            ]), "short": .repeated(.scalar(ScalarSet("ab")), 1...2),
        ]
    )
}

import Collab
import Testing

@testable import CollabBackends

@Suite("Constraints that servers keep")
struct RemoteConstraintTests {
    private func fields(_ constraint: Constraint, _ server: ServerKind) throws -> JSONObject {
        let model = try RemoteModel("m", at: "http://127.0.0.1:1/v1", server: server).constrained(
            to: constraint
        )
        #expect(model.name.hasPrefix("m with "))
        return try #require(try model.settings.options.last?.fields(for: server))
    }

    @Test("each kind of constraint becomes what the server understands")
    func options() throws {
        let choices = try Constraint.choices(["yes", "no"])
        #expect(try fields(choices, .vLLM)["structured_outputs"]?["choice"] == ["yes", "no"])
        #expect(try fields(choices, .llamaCPP)["grammar"] == "root ::= (\"yes\" | \"no\")")
        let expression = try Constraint.regularExpression("[a-c]{2}é?")
        #expect(try fields(expression, .vLLM)["structured_outputs"]?["regex"] == "[a-c]{2}é?")
        #expect(
            try fields(expression, .llamaCPP)["grammar"]
                == "root ::= ((([a-c]){2,2} (\"\\u00E9\")?))"
        )
        let schema = try Constraint.json(.object { JSONSchema.Property("n", .integer) })
        for server in [ServerKind.openAI, .vLLM, .llamaCPP] {
            let sent = try fields(schema, server)["response_format"]?["json_schema"]?["schema"]
            #expect(sent?["properties"]?["n"]?["type"] == "integer" && sent?["required"] == ["n"])
        }
        let error = #expect(throws: CollabError.self) { try fields(choices, .openAI) }
        #expect(error?.code == .unsupported)
    }

    @Test("llama.cpp's server keeps to our grammars", .enabled(if: RealServer.isInstalled))
    func real() async throws {
        let model = try RealServer.running().model()
        let options = GenerationOptions(maximumTokens: 60, sampling: .temperature(1.5), seed: 3)
        let request = Request("Tell me something.", options: options)
        for constraint in [
            try Constraint.choices(["a \"b\"", "é\\n"]),
            try .regularExpression("([A-Z][a-z]{1,5} ){2,3}(1|2\\.5)"),
            try Constraint("sums", Self.sums),
        ] {
            let text = try await model.constrained(to: constraint).respond(to: request).text
            #expect(try constraint.allows(text), "\(constraint.name): \(text)")
        }
        let person = try await model.respond(to: request, as: TypedResponseTests.Person.self)
        #expect(person.response.text.contains("name"))
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

import Collab
import CollabBackends
import CollabTesting
import Foundation
import Testing

@Suite("Typed answers")
struct TypedResponseTests {
    struct Person: Codable, Sendable, Equatable, JSONSchemaDescribing {
        enum Role: String, Codable, Sendable, CaseIterable, JSONSchemaDescribing { case customer, employee }
        var name: String
        var age: Int?
        var role: Role

        static var jsonSchema: JSONSchema {
            .object {
                JSONSchema.Property("name", .text(length: 1...30))
                JSONSchema.Property("age", JSONSchema.integer(0...130)).optional
                JSONSchema.Property("role", Role.self)
            }
        }
    }

    @Test("a native model answers with a value, alone and fused, sampled however wildly")
    func native() async throws {
        let model = try await NativeFixtures.model(.smolLM2)
        var request: Request = "Extract the person as JSON: Anna Berg, 41 years old, bought a bicycle."
        let greedy = try await model.respond(to: request, as: Person.self)
        #expect(!greedy.value.name.isEmpty && greedy.response.ending == .finished)
        for seed in 0..<4 as Range<UInt64> {
            request.options = GenerationOptions(sampling: .temperature(2), seed: seed)
            let answer = try await model.respond(to: request, as: Person.self)
            #expect((1...30).contains(answer.value.name.unicodeScalars.count))
            #expect((0...130).contains(answer.value.age ?? 0))
        }
        let fused = FuseLogits(.contextAware(alpha: 0.5)) {
            model.role("told", instructions: "You extract data.")
            model.role("untold")
        }
        let together = try await fused.respond(to: request, as: Person.self)
        #expect(!together.value.name.isEmpty)
    }

    @Test("an answer that runs out of tokens is an error with what there is")
    func unfinished() async throws {
        let model = try await NativeFixtures.model(.smolLM2)
        let request = Request("A person as JSON.", options: GenerationOptions(maximumTokens: 3))
        let error = await #expect(throws: CollabError.self) {
            try await model.respond(to: request, as: Person.self)
        }
        #expect(error?.code == .unfinishedAnswer)
        #expect((error?.cause as? UnfinishedAnswer)?.text.hasPrefix("{\"") == true)
    }

    private struct Liar: Decodable, Sendable, JSONSchemaDescribing {
        var number: Int
        static var jsonSchema: JSONSchema { .object { JSONSchema.Property("number", .oneOf("one")) } }
    }

    @Test("a type that does not decode what its schema allows is told so")
    func disagreement() async throws {
        let model = ScriptedLogitModel("scripted", vocabulary: ["{\"number\":", "\"one\"", "}", " "]) {
            prefix in
            ["{\"number\":": 1, "\"one\"": 1, "}": 1, ScriptedLogitModel.end: 1]
        }
        let error = await #expect(throws: CollabError.self) {
            try await model.respond(to: "?", as: Liar.self)
        }
        #expect(error?.code == .unparsed && error?.message.contains("Liar") == true)
    }
}

import Collab
import CollabBackends
import Foundation
import Testing

/// Schemas with documents that Python's `jsonschema` finds valid or not; `Scripts/fixtures/make_schemas.py` makes them.
@Suite("JSON schemas against Python's jsonschema")
struct SchemaGoldenTests {
    private struct Case {
        var schema: JSONValue
        var allowed: [String]
        var refused: [String]
    }

    private static func cases() throws -> [Case] {
        let file =
            ProcessInfo.processInfo.environment["COLLAB_SCHEMAS"] ?? fixture("constraints/schemas.json").path
        let entries = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: file)))).arrayValue ?? []
        return try entries.map { entry in
            func texts(_ key: String) -> [String] { entry[key]?.arrayValue?.compactMap(\.stringValue) ?? [] }
            return Case(
                schema: try #require(entry["schema"]),
                allowed: texts("allowed"),
                refused: texts("refused")
            )
        }
    }

    @Test("what is valid in our spelling is allowed, and nothing that is invalid")
    func documents() throws {
        let cases = try Self.cases()
        #expect(cases.count >= 100)
        for entry in cases {
            let constraint = try Constraint.json(JSONSchema(document: entry.schema))
            for text in entry.allowed {
                #expect(try constraint.allows(text), "\(entry.schema) allows \(text)")
            }
            for text in entry.refused {
                #expect(try !constraint.allows(text), "\(entry.schema) refuses \(text)")
            }
        }
    }

    @Test("a schema that is written as a document and read again is the same constraint")
    func writing() throws {
        for entry in try Self.cases() {
            let schema = try JSONSchema(document: entry.schema)
            let again = try JSONSchema(document: schema.document)
            let (first, second) = (try Constraint.json(schema), try Constraint.json(again))
            for text in entry.allowed + entry.refused {
                #expect(try first.allows(text) == second.allows(text), "\(entry.schema): \(text)")
            }
        }
    }

    /// With the variable `COLLAB_SAMPLES` the samples are written to a file, which the script can check.
    @Test("what is sampled at random under the mask ends, and is JSON that the schema allows")
    func sampling() async throws {
        let path = ProcessInfo.processInfo.environment["COLLAB_SAMPLES"]
        var lines = ""
        let tokenizer = try RealModel.smolLM2.tokenizer()
        let cases = try Self.cases()
        for (index, entry) in (path == nil ? Array(cases.prefix(25)) : cases).enumerated() {
            let model = Monkey(tokenizer: tokenizer, seed: UInt64(index))
                .constrained(to: try .json(JSONSchema(document: entry.schema)))
            for seed in 0..<(path == nil ? 1 : 5) as Range<UInt64> {
                let options = GenerationOptions(maximumTokens: 400, sampling: .temperature(1), seed: seed)
                let text: String
                do {
                    text = try await model.respond(to: Request(.completion("x"), options: options)).text
                } catch {
                    // Chance may go on and on where no bound stops it.
                    #expect(error.code == .unfinishedAnswer)
                    continue
                }
                _ = try JSONValue(parsing: text, policy: .wire)
                _ = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
                lines += JSONValue.object(["schema": entry.schema, "text": .string(text)]).description + "\n"
            }
        }
        #expect(lines.split(separator: "\n").count >= 15)
        if let path { try lines.write(toFile: path, atomically: true, encoding: .utf8) }
    }

    /// Types at random with a large vocabulary; short texts and closing brackets a little more readily.
    private struct Monkey: LogitModel {
        var tokenizer: any Tokenizer
        var seed: UInt64
        var name: String { "monkey" }
        var contextLength: Int { 1000 }
        func promptTokens(for request: Request) throws(CollabError) -> [TokenID] { [100] }
        func makeDecoder() async throws(CollabError) -> any Collab.Decoder { Hands(model: self) }

        final class Hands: Collab.Decoder {
            let model: Monkey
            let count = Protected(0)
            let bonus: [TokenID]
            init(model: Monkey) {
                self.model = model
                bonus =
                    ["\"", "]", "}", "\"}", "\"]", "}}"].compactMap {
                        try? model.tokenizer.encode($0, parsingSpecialTokens: false).first
                    } + Array(model.tokenizer.endTokens)
            }
            var position: Int { count.withLock { $0 } }
            func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
                let place = count.withLock { count in
                    count += tokens.count
                    return count
                }
                var generator = SeededGenerator(seed: model.seed &* 1000 &+ UInt64(place))
                let shift = Int(generator.next() % 997)
                var row = Logits([Float](repeating: 0, count: model.tokenizer.count))
                for token in stride(from: shift, to: row.count, by: 997) { row[TokenID(token)] = 3 }
                for token in bonus { row[token] = 9 }
                return [row]
            }
            func truncate(to count: Int) async throws(CollabError) {}
            func fork() async throws(CollabError) -> any Collab.Decoder { self }
        }
    }

    @Test(
        "keywords that cannot be enforced are refused by name and place",
        arguments: [
            (#"{"type":"object","properties":{"a":{"not":{}}}}"#, "not", "#/properties/a"),
            (#"{"type":"array","uniqueItems":true}"#, "uniqueItems", "#"),
            (#"{"type":"number","multipleOf":2}"#, "multipleOf", "#"),
            (#"{"anyOf":[{"if":{}}]}"#, "if", "#/anyOf/0"),
            (#"{"patternProperties":{}}"#, "patternProperties", "#"),
            (#"{"allOf":[{},{}]}"#, "allOf", "#"),
            (##"{"$defs":{"a":{}},"definitions":{"a":{"type":"null"}}}"##, "“a” twice", "#/definitions"),
            (#"{"type":"string","pattern":"a","maxLength":3}"#, "pattern", "#"),
            (#"{"$ref":"other.json"}"#, "other.json", "#"), (#"{"enum":[1],"minimum":0}"#, "minimum", "#"),
        ]
    )
    func unsupported(_ text: String, _ keyword: String, _ place: String) {
        let error = #expect(throws: CollabError.self) { try JSONSchema(parsing: text) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(keyword) == true && error?.message.contains(place) == true)
    }

    @Test(
        "schemas that make no sense are refused",
        arguments: [
            #"{"type":"thing"}"#, #"{"enum":[]}"#, #"{"enum":["a"],"type":"integer"}"#, "[]", "3",
            #"{"type":"string","minLength":-1}"#,
            #"{"type":"object","required":["a"],"additionalProperties":false}"#,
            #"{"anyOf":[]}"#,
        ]
    )
    func invalid(_ text: String) {
        let error = #expect(throws: CollabError.self) { try JSONSchema(parsing: text) }
        #expect(error?.code == .invalidConstraint)
    }
}

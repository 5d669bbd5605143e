import Testing

@testable import Collab

@Suite("Schemas that no constraint can be made of")
struct JSONSchemaErrorTests {
    private func schema(_ inner: JSONSchema) -> JSONSchema {
        .object {
            JSONSchema.Property("name", .text)
            JSONSchema.Property("parts", .array(of: .anyOf(.null, inner)))
        }
    }

    @Test("the error says where in the schema an unknown format, a malformed pattern or a wrong constant is")
    func places() throws {
        let cases: [(JSONSchema, CollabError.Code, String)] = [
            (.text(format: "shoe-size"), .unsupported, "shoe-size"),
            (.text(matching: "(a"), .invalidConstraint, "position 0"),
            (.text(matching: "(?=a)"), .unsupported, "position 0"),
            (JSONSchema(.constant("no")), .invalidConstraint, "“no”"),
        ]
        for (inner, code, word) in cases {
            let error = #expect(throws: CollabError.self) { try Constraint.json(schema(inner)) }
            #expect(error?.code == code)
            let message = error?.message ?? ""
            #expect(
                message.contains(word) && message.contains("#/properties/parts/items/anyOf/1"),
                "\(message)"
            )
            let defined = JSONSchema.definition("part", inner)
            let other = #expect(throws: CollabError.self) { try Constraint.json(defined) }
            #expect(other?.message.contains("#/$defs/part") == true)
        }
    }

    @Test(
        "a constant is one value of JSON",
        arguments: [
            "not json at all", "", " ", "1 2", "01", "1.", ".5", "+1", "NaN", "'a'", "\"a", "\"\n\"",
            #""\x""#,
            "[1,]", "[", "{\"a\":1,}", "{a:1}", "nul", "[1]]",
        ]
    )
    func noConstants(text: String) {
        let error = #expect(throws: CollabError.self) { try Constraint.json(JSONSchema(.constant(text))) }
        #expect(error?.code == .invalidConstraint)
    }

    @Test(
        "it may be any, in any spelling",
        arguments: [
            "null", "-0", "1E+400", "123456789012345678901234567890", #""é\u00e9\ud83d\/""#, "[]", "{}",
            "[ ]",
            " [1, [true , {\"a\" : {}}],\n\"\"] ",
        ]
    )
    func constants(text: String) throws {
        #expect(try Constraint.json(JSONSchema(.constant(text))).allows(text))
    }

    @Test("keys that look alike are different members, the same key twice is an error")
    func keys() throws {
        let schema = JSONSchema.object {
            JSONSchema.Property("\u{e9}", .null)
            JSONSchema.Property("e\u{301}", .boolean)
        }
        let constraint = try Constraint.json(schema, layout: .compact)
        #expect(try constraint.allows("{\"\u{e9}\":null,\"e\u{301}\":true}"))
        #expect(throws: CollabError.self) {
            try Constraint.json(.object { for _ in 0..<2 { JSONSchema.Property("a", .null) } })
        }
    }
}

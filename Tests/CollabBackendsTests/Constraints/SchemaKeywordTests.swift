import Collab
import CollabBackends
import Testing

@Suite("Keywords of JSON schemas whose values make no sense")
struct SchemaKeywordTests {
    @Test(
        "they are refused by name and place, even where they would say nothing about the type",
        arguments: [
            ("type", #""thing""#), ("type", "3"), ("type", "[]"), ("type", #"["string","string"]"#),
            ("type", #"["string",1]"#), ("required", #""name""#), ("required", "true"), ("required", "[1]"),
            ("required", #"["a","a"]"#), ("minLength", "-1"), ("maxLength", "2.5"), ("minItems", #""2""#),
            ("maxItems", "null"), ("minimum", #""a""#), ("maximum", "true"), ("exclusiveMinimum", "[]"),
            ("exclusiveMaximum", #""1""#), ("items", "3"), ("items", "[]"), ("items", "[3]"),
            ("prefixItems", "{}"), ("prefixItems", "[]"), ("uniqueItems", #""yes""#), ("enum", "[]"),
            ("enum", #""a""#), ("properties", "[]"), ("properties", #"{"a":3}"#),
            ("additionalProperties", #""no""#), ("pattern", "3"), ("format", "null"), ("$ref", "3"),
            ("anyOf", "{}"), ("oneOf", "[]"), ("allOf", "[3]"),
        ]
    )
    func refused(_ keyword: String, _ value: String) throws {
        // The second schema has another type than the keyword is about, whichever it is.
        let types = keyword == "type" ? "" : #","type":["null","boolean"]"#
        for part in ["{\"\(keyword)\":\(value)}", "{\"\(keyword)\":\(value)\(types)}"] {
            let text = "{\"properties\":{\"a\":{\"items\":\(part)}}}"
            let error = #expect(throws: CollabError.self, "\(text)") { try JSONSchema(parsing: text) }
            #expect(error?.code == .invalidConstraint, "\(text): \(error?.message ?? "")")
            #expect(error?.message.contains("“\(keyword)”") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("#/properties/a/items") == true, "\(error?.message ?? "")")
        }
    }

    @Test("so are definitions that are none")
    func definitions() {
        for text in [#"{"$defs":3}"#, #"{"definitions":[]}"#, #"{"$defs":{"a":3}}"#] {
            let error = #expect(throws: CollabError.self, "\(text)") { try JSONSchema(parsing: text) }
            #expect(error?.code == .invalidConstraint, "\(text)")
        }
    }

    @Test("those that say nothing about the type are passed over if they make sense")
    func passedOver() throws {
        let schema = try JSONSchema(
            parsing: #"{"type":"null","minLength":2,"maxItems":3.0,"required":[],"uniqueItems":true}"#
        )
        #expect(schema.form == .null)
    }
}

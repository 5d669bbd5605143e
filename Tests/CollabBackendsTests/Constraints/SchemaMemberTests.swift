import Collab
import CollabBackends
import Testing

@Suite("Members that a JSON schema forbids")
struct SchemaMemberTests {
    @Test(
        "they are not written, whatever further members may be",
        arguments: [
            #"{"properties":{"a":false,"b":{"type":"null"}},"additionalProperties":true}"#,
            #"{"properties":{"a":false},"additionalProperties":{"type":["null","integer"]}}"#,
            #"{"properties":{"a":{"anyOf":[false]},"b":{"type":"null"}},"additionalProperties":{}}"#,
        ]
    )
    func forbidden(_ text: String) throws {
        let schema = try JSONSchema(parsing: text)
        for schema in [schema, try JSONSchema(document: schema.document)] {
            let constraint = try Constraint.json(schema, layout: .compact)
            for allowed in ["{}", #"{"b":null}"#, #"{"c":7}"#, #"{"aa":null}"#, #"{"b":null,"c":null}"#] {
                #expect(try constraint.allows(allowed), "\(text) allows \(allowed)")
            }
            for refused in [#"{"a":7}"#, #"{"a":null}"#, #"{"c":7,"a":7}"#, #"{"b":null,"a":7}"#] {
                #expect(try !constraint.allows(refused), "\(text) refuses \(refused)")
            }
        }
    }

    @Test("nor are elements that no schema allows")
    func elements() throws {
        let array = try Constraint.json(JSONSchema(parsing: #"{"prefixItems":[{"type":"null"},false]}"#))
        #expect(try array.allows("[]") && array.allows("[null]") && !array.allows("[null, null]"))
        let either = try Constraint.json(JSONSchema(parsing: #"{"anyOf":[false,{"type":"null"}]}"#))
        #expect(try either.allows("null") && !either.allows("true"))
    }

    @Test(
        "a schema that also requires them, or allows nothing, is refused",
        arguments: [
            #"{"properties":{"a":false},"required":["a"]}"#, "false",
            #"{"properties":{"a":{"anyOf":[false,false]}},"required":["a"],"additionalProperties":true}"#,
            #"{"items":false,"minItems":1}"#,
        ]
    )
    func impossible(_ text: String) {
        let error = #expect(throws: CollabError.self) { try Constraint.json(JSONSchema(parsing: text)) }
        #expect(error?.code == .invalidConstraint)
    }
}

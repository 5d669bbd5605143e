import Collab
import CollabBackends
import Testing

@Suite("References within schemas that are written for servers")
struct SchemaReferenceTests {
    /// A schema that refers to the whole of its document.
    private static let tree = ##"{"type":"object","properties":{"next":{"$ref":"#"}}}"##

    @Test("a document by itself refers to its whole")
    func whole() throws {
        let document = try JSONSchema(parsing: Self.tree).document
        #expect(document["properties"]?["next"]?["$ref"]?.stringValue == "#")
        #expect(document["$defs"] == nil)
    }

    @Test("within another one, it refers to a definition of a name that nothing else has")
    func embedded() throws {
        let tree = try JSONSchema(parsing: Self.tree)
        for taken in [false, true] {
            var schema = JSONSchema.array(of: tree)
            if taken { schema.definitions["whole"] = .null }
            let (document, name) = (schema.document, taken ? "whole_" : "whole")
            for part in [document["items"], document["$defs"]?[name]] {
                #expect(part?["properties"]?["next"]?["$ref"]?.stringValue == "#/$defs/\(name)")
            }
            // Whoever reads it understands what was meant.
            let constraint = try Constraint.json(JSONSchema(document: document), layout: .compact)
            for (text, isAllowed) in [
                (#"[{"next":{"next":{}}},{}]"#, true), (#"[{"next":[]}]"#, false), ("{}", false),
            ] {
                #expect(try constraint.allows(text) == isAllowed, "\(text)")
            }
        }
    }

    @Test("names are escaped in references, and read again", arguments: ["a/b", "~", "~1", "a~/b/"])
    func names(name: String) throws {
        let schema = JSONSchema.definition(
            name,
            .object { JSONSchema.Property("next", .reference(name)).optional }
        )
        let document = schema.document
        let reference = document["$ref"]?.stringValue?.dropFirst("#/$defs/".count) ?? ""
        #expect(!reference.contains("/") && document["$defs"]?[name] != nil)
        let read = try JSONSchema(document: document)
        #expect(read.form == .reference(name) && read.definitions[name] == schema.definitions[name])
    }

    @Test("a member is required by the very bytes of its key")
    func required() throws {
        let composed = "{\"properties\":{\"\u{e9}\":{},\"e\u{301}\":{}},\"required\":[\"\u{e9}\"]}"
        guard case .object(let properties, _) = try JSONSchema(parsing: composed).form else {
            Issue.record("It is no object.")
            return
        }
        #expect(properties.map(\.isRequired) == [true, false])
    }
}

import CollabTesting
import Testing

@testable import Collab

@Suite("Constrained JSON")
struct JSONSchemaTests {
    private func expect(
        _ schema: JSONSchema,
        _ layout: JSONLayout = .compact,
        allows: [String] = [],
        refuses: [String] = []
    ) throws {
        let constraint = try Constraint.json(schema, layout: layout)
        for text in allows { #expect(try constraint.allows(text), "\(text)") }
        for text in refuses { #expect(try !constraint.allows(text), "\(text)") }
    }

    @Test("texts have one spelling and are counted by scalars")
    func texts() throws {
        try expect(
            .text,
            allows: [#""""#, #""é😀 / ""#, #""a\"b\\c\n\t\u0000\u001f""#],
            refuses: [#"""#, #""a"b""#, "\"\n\"", #""\x""#, #""\u0041""#, #""\/""#, #""\ud83d""#, #"x"#]
        )
        try expect(.text(length: 2...3), allows: [#""😀é""#, #""\n\\a""#], refuses: [#""a""#, #""aaaa""#])
        try expect(.text(matching: "b+$"), allows: [#""abb""#, #""b""#], refuses: [#""ba""#, #""""#])
        try expect(.text(matching: #"^["\n]$"#), allows: [#""\"""#, #""\n""#], refuses: [#"""""#, #""n""#])
        try expect(
            .text(format: "date"),
            allows: [#""2024-02-29""#, #""2000-02-29""#, #""1999-12-31""#, #""2030-04-30""#],
            refuses: [#""2023-02-29""#, #""1900-02-29""#, #""2024-04-31""#, #""2024-13-01""#, #""2024-1-1""#]
        )
        try expect(.oneOf("a", "b\""), allows: [#""a""#, #""b\"""#], refuses: [#""c""#, "a"])
        #expect(throws: CollabError.self) { try Constraint.json(.text(format: "shoe-size")) }
    }

    @Test("members come in order, the optional ones if the model likes")
    func objects() throws {
        let schema = JSONSchema.object {
            JSONSchema.Property("a", .boolean).optional
            JSONSchema.Property("b", .null)
            JSONSchema.Property("c", .integer(0...9)).optional
        }
        try expect(
            schema,
            allows: [
                #"{"b":null}"#, #"{"a":true,"b":null}"#, #"{"a":false,"b":null,"c":7}"#, #"{"b":null,"c":0}"#,
            ],
            refuses: [
                "{}", #"{"a":true}"#, #"{"b":null,}"#, #"{,"b":null}"#, #"{"b":null,"a":true}"#,
                #"{"b": null}"#,
                #"{"b":null,"d":1}"#, #"{"b":null,"b":null}"#,
            ]
        )
        let lax = JSONSchema.object {
            JSONSchema.Property("a", .null).optional
            JSONSchema.Property("b", .null).optional
        }
        try expect(
            lax,
            allows: ["{}", #"{"a":null}"#, #"{"b":null}"#, #"{"a":null,"b":null}"#],
            refuses: ["{,}"]
        )
        #expect(throws: CollabError.self) {
            try Constraint.json(JSONSchema(.object([.init("a", .null), .init("a", .null)], further: nil)))
        }
    }

    @Test("a schema may have many long texts, and further members beside many named ones")
    func largeSchemas() throws {
        let texts = JSONSchema(
            .object((0..<10).map { .init("text\($0)", .text(length: 0...300)) }, further: nil)
        )
        let text = String(repeating: #"\n"#, count: 300)
        let members = (0..<10).map { "\"text\($0)\":\"\(text)\"" }.joined(separator: ",")
        try expect(
            texts,
            allows: ["{\(members)}"],
            refuses: ["{\(members.replacing(text, with: text + "x"))}"]
        )
        let object = JSONSchema(
            .object((0..<10).map { .init("property\($0)", .boolean, isRequired: false) }, further: .anything)
        )
        try expect(
            .array(of: .anyOf(object, .array(of: object), .array(of: object, count: 2...4))),
            allows: [#"[{"property3":true,"property":1,"properties":2},[{"property10":null}]]"#],
            refuses: [#"[{"property3":1}]"#, #"[[{"property3":true,"property2":1}]]"#]
        )
    }

    @Test("hundreds of members may be left out, at any depth", .timeLimit(.minutes(1)))
    func manyMembers() throws {
        let names = (0..<300).map { "member\($0)" }
        let wide = JSONSchema(.object(names.map { .init($0, .boolean, isRequired: false) }, further: .null))
        try expect(
            wide,
            allows: ["{}", #"{"member299":true}"#, #"{"member3":true,"member77":false,"x":null,"y":null}"#],
            refuses: [
                #"{"member77":true,"member3":true}"#, #"{"member3":null}"#, #"{"x":null,"member3":true}"#,
            ]
        )
        let nested = JSONSchema.definition(
            "nested",
            .object {
                JSONSchema.Property("a", .reference("nested")).optional
                JSONSchema.Property("b", .reference("nested")).optional
                JSONSchema.Property("c", .null).optional
            }
        )
        let count = 55
        let open = String(repeating: #"{"a":"#, count: count), close = String(repeating: "}", count: count)
        try expect(nested, allows: [open + #"{"c":null}"# + close], refuses: [open + "{}" + close + "}"])
    }

    @Test("further members have other keys than the named ones")
    func furtherMembers() throws {
        let schema = JSONSchema(
            .object(
                [.init("ab", .null, isRequired: false), .init("a\"", .null, isRequired: false)],
                further: .boolean
            )
        )
        try expect(
            schema,
            allows: [
                "{}", #"{"a":true}"#, #"{"":true}"#, #"{"abc":true,"x":false}"#, #"{"ab":null,"b":true}"#,
                #"{"a\"b":true}"#,
                #"{"a\"":null,"a\n":true}"#,
            ],
            refuses: [#"{"ab":true}"#, #"{"ab":null,"ab":true}"#, #"{"a\"":true}"#, #"{"x":null}"#]
        )
    }

    @Test("arrays have their number of elements")
    func arrays() throws {
        try expect(
            .array(of: .null),
            allows: ["[]", "[null]", "[null,null]"],
            refuses: ["[,]", "[null,]", "null"]
        )
        try expect(
            .array(of: .null, count: 2...3),
            allows: ["[null,null]"],
            refuses: ["[null]", "[null,null,null,null]"]
        )
        try expect(.array(of: .null, count: 0...0), allows: ["[]"], refuses: ["[null]"])
        let tuple = JSONSchema(.array(first: [.null, .boolean], rest: nil, least: 1, most: nil))
        try expect(tuple, allows: ["[null]", "[null,true]"], refuses: ["[]", "[true]", "[null,true,null]"])
        let longer = JSONSchema(.array(first: [.null], rest: .boolean, least: 2, most: 3))
        try expect(longer, allows: ["[null,true]", "[null,true,false]"], refuses: ["[null]", "[null,null]"])
    }

    @Test("white space is what the layout says")
    func layouts() throws {
        let schema = JSONSchema.object {
            JSONSchema.Property("a", .array(of: .integer(0...9)))
            JSONSchema.Property("b", .null)
        }
        let (tight, wide) = (#"{"a":[1,2],"b":null}"#, #"{"a": [1, 2], "b": null}"#)
        try expect(schema, .compact, allows: [tight], refuses: [wide])
        try expect(schema, .spaced, allows: [wide], refuses: [tight])
        try expect(
            schema,
            .free,
            allows: [tight, wide, #"{"a":[1, 2],"b": null}"#],
            refuses: [" " + tight, tight + "\n"]
        )
    }

    @Test("a schema may refer to itself, and any JSON is a schema too")
    func recursion() throws {
        let tree = JSONSchema.definition(
            "tree",
            .object {
                JSONSchema.Property("left", .reference("tree")).optional
                JSONSchema.Property("right", .reference("tree")).optional
            }
        )
        try expect(
            tree,
            allows: ["{}", #"{"left":{"right":{}},"right":{}}"#],
            refuses: [#"{"left":{}"#, #"{"left":null}"#, "{}}"]
        )
        try expect(
            .anything,
            allows: [#"{"a":[1,-2.5e3,{"b":null}],"c":"d"}"#, "[]", "true", #""x""#, "0"],
            refuses: ["[1,]", "{1:2}", "nul", "01", "[", "NaN"]
        )
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        try expect(.anything, allows: [deep])
        #expect(throws: CollabError.self) { try Constraint.json(.reference("nothing")) }
        // Only an infinite text would do.
        let endless = JSONSchema.definition("a", .array(of: .reference("a"), count: 1...2))
        #expect(throws: CollabError.self) { try Constraint.json(endless) }
    }

    private enum Colour: String, CaseIterable, JSONSchemaDescribing { case red, green }
    private struct Thing: JSONSchemaDescribing {
        static var jsonSchema: JSONSchema {
            .object {
                JSONSchema.Property("name", String.self, "what people call it")
                JSONSchema.Property("colour", Colour?.self)
                JSONSchema.Property("sizes", [UInt8].self)
                JSONSchema.Property("prices", [String: Double].self)
            }
        }
    }

    @Test("types describe themselves")
    func types() throws {
        try expect(
            Thing.jsonSchema,
            allows: [
                #"{"name":"x","colour":"red","sizes":[0,255],"prices":{"EUR":1.5}}"#,
                #"{"name":"x","colour":null,"sizes":[],"prices":{}}"#,
                #"{"name":"x","sizes":[],"prices":{}}"#,
            ],
            refuses: [
                #"{"name":"x","sizes":[256],"prices":{}}"#,
                #"{"name":"x","colour":"blue","sizes":[],"prices":{}}"#,
            ]
        )
    }
}

public import Collab

extension JSONSchema {
    /// The schema as a document, for servers that constrain answers themselves.
    ///
    /// References of a part that was read from a document of its own to the whole of that document become references to a
    /// definition, since the whole of this one is something else.
    public var document: JSONValue {
        var definitions: [String: JSONSchema] = [:]
        collect(into: &definitions)
        var root = "#"
        if let whole = definitions.removeValue(forKey: Self.whole), !isWhole(whole) {
            var name = "whole"
            while definitions[name] != nil { name += "_" }
            definitions[name] = whole
            root = Self.pointer(to: name)
        }
        guard var object = keywords(root).objectValue else { return keywords(root) }
        var written = JSONObject()
        for (name, schema) in definitions.sorted(by: { $0.key < $1.key }) {
            written[name] = schema.keywords(root)
        }
        if !written.isEmpty { object["$defs"] = .object(written) }
        return .object(object)
    }

    /// The name under which a schema that was read knows the whole of its document.
    static let whole = "#"

    /// Whether the whole of a document that parts refer to is this schema.
    private func isWhole(_ schema: JSONSchema) -> Bool {
        definitions[Self.whole] == schema && schema.form == form
    }

    /// Where a definition is (RFC 6901).
    private static func pointer(to name: String) -> String {
        let escaped = name.unicodeScalars.map { scalar in
            switch scalar {
            case "~": "~0"
            case "/": "~1"
            default: String(Character(scalar))
            }
        }
        return "#/$defs/" + escaped.joined()
    }

    private func collect(into definitions: inout [String: JSONSchema]) {
        for (name, schema) in self.definitions where definitions[name] == nil {
            definitions[name] = schema
            schema.collect(into: &definitions)
        }
        switch form {
        case .array(let first, let rest, _, _):
            for part in first + (rest.map { [$0] } ?? []) { part.collect(into: &definitions) }
        case .object(let properties, let further):
            for part in properties.map(\.schema) + (further.map { [$0] } ?? []) {
                part.collect(into: &definitions)
            }
        case .alternatives(let parts): for part in parts { part.collect(into: &definitions) }
        default: break
        }
    }

    /// What is written for this schema, without definitions.
    ///
    /// - Parameter root: where the whole is that parts refer to.
    private func keywords(_ root: String) -> JSONValue {
        if case .alternatives(let parts) = form, parts.isEmpty { return .bool(false) }
        return .object(members(root))
    }

    /// The keywords of this schema, without definitions.
    private func members(_ root: String) -> JSONObject {
        var object = JSONObject()
        if let description { object["description"] = .string(description) }
        switch form {
        case .anything: break
        case .null: object["type"] = "null"
        case .boolean: object["type"] = "boolean"
        case .integer(let least, let most):
            object["type"] = "integer"
            object["minimum"] = least.map { .integer($0) }
            object["maximum"] = most.map { .integer($0) }
        case .number(let bounds):
            object["type"] = "number"
            object[bounds.excludesLeast ? "exclusiveMinimum" : "minimum"] = bounds.least.map { .double($0) }
            object[bounds.excludesMost ? "exclusiveMaximum" : "maximum"] = bounds.most.map { .double($0) }
        case .text(let least, let most):
            object["type"] = "string"
            if least > 0 { object["minLength"] = JSONValue(least) }
            object["maxLength"] = most.map { JSONValue($0) }
        case .pattern(let pattern):
            object["type"] = "string"
            object["pattern"] = .string(pattern)
        case .format(let format):
            object["type"] = "string"
            object["format"] = .string(format)
        case .array(let first, let rest, let least, let most):
            object["type"] = "array"
            if !first.isEmpty { object["prefixItems"] = .array(first.map { $0.keywords(root) }) }
            object["items"] = rest.map { $0.keywords(root) } ?? .bool(false)
            if least > 0 { object["minItems"] = JSONValue(least) }
            object["maxItems"] = most.map { JSONValue($0) }
        case .object(let properties, let further):
            object["type"] = "object"
            var members = JSONObject()
            for property in properties { members[property.key] = property.schema.keywords(root) }
            object["properties"] = .object(members)
            object["required"] = .array(properties.filter(\.isRequired).map { .string($0.key) })
            object["additionalProperties"] = further.map { $0.keywords(root) } ?? .bool(false)
        case .constant(let text):
            object["const"] = (try? JSONValue(parsing: text)) ?? .string(text)
        case .alternatives(let parts):
            let constants = parts.compactMap { part -> JSONValue? in
                if case .constant(let text) = part.form { try? JSONValue(parsing: text) } else { nil }
            }
            if constants.count == parts.count {
                if constants.allSatisfy({ $0.stringValue != nil }) { object["type"] = "string" }
                object["enum"] = .array(constants)
            } else {
                object["anyOf"] = .array(parts.map { $0.keywords(root) })
            }
        case .reference(let name):
            object["$ref"] = .string(name == Self.whole ? root : Self.pointer(to: name))
        }
        return object
    }
}

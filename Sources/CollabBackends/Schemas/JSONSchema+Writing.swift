public import Collab

extension JSONSchema {
    /// The schema as a document, for servers that constrain answers themselves.
    public var document: JSONValue {
        var definitions: [String: JSONSchema] = [:]
        collect(into: &definitions)
        guard var object = keywords.objectValue else { return keywords }
        if !definitions.isEmpty {
            var written = JSONObject()
            for (name, schema) in definitions.sorted(by: { $0.key < $1.key }) where name != "#" {
                written[name] = schema.keywords
            }
            if !written.isEmpty { object["$defs"] = .object(written) }
        }
        return .object(object)
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
    private var keywords: JSONValue {
        if case .alternatives(let parts) = form, parts.isEmpty { return .bool(false) }
        return .object(members)
    }

    /// The keywords of this schema, without definitions.
    private var members: JSONObject {
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
            if !first.isEmpty { object["prefixItems"] = .array(first.map(\.keywords)) }
            object["items"] = rest.map(\.keywords) ?? .bool(false)
            if least > 0 { object["minItems"] = JSONValue(least) }
            object["maxItems"] = most.map { JSONValue($0) }
        case .object(let properties, let further):
            object["type"] = "object"
            var members = JSONObject()
            for property in properties { members[property.key] = property.schema.keywords }
            object["properties"] = .object(members)
            object["required"] = .array(properties.filter(\.isRequired).map { .string($0.key) })
            object["additionalProperties"] = further.map(\.keywords) ?? .bool(false)
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
                object["anyOf"] = .array(parts.map(\.keywords))
            }
        case .reference(let name): object["$ref"] = .string(name == "#" ? "#" : "#/$defs/\(name)")
        }
        return object
    }
}

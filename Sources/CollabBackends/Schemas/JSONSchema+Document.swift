public import Collab

extension JSONSchema {
    /// Reads a schema from a document as JSON Schema has it (draft 2020-12, or an older one where they agree).
    ///
    /// Types, `properties`, `required`, `additionalProperties`, `items`, `prefixItems`, `minItems`, `maxItems`,
    /// `minLength`, `maxLength`, `pattern`, `format`, `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`,
    /// `enum`, `const`, `anyOf`, `oneOf`, `allOf` of one schema, and `$ref` to `$defs`, `definitions` or the whole
    /// document are understood, exclusive bounds as numbers or as draft 4 has them; annotations are passed over. Members that a schema does not name are written only if
    /// `additionalProperties` is there, or if it names none.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` for any other keyword, with its name and place, rather than let an
    /// answer through that it would not allow, and ``Collab/CollabError/Code/invalidConstraint`` for a keyword whose value
    /// makes no sense.
    public init(document: JSONValue) throws(CollabError) {
        var reader = SchemaReader()
        self = try reader.read(document)
    }

    /// Reads a schema from a JSON text.
    ///
    /// Throws what ``init(document:)`` throws, and ``Collab/CollabError/Code/malformedFile`` for text that is not JSON.
    public init(parsing text: String) throws(CollabError) {
        try self.init(document: JSONValue(parsing: text))
    }
}

/// Reads schema documents.
struct SchemaReader {
    /// The annotations, which say nothing about values, and where definitions are.
    private static let passedOver: Set<String> = [
        "title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly",
        "writeOnly", "$defs", "definitions",
    ]
    private static let ofObjects: Set<String> = ["properties", "required", "additionalProperties"]
    private static let ofArrays: Set<String> = [
        "items", "prefixItems", "minItems", "maxItems", "uniqueItems",
    ]
    private static let ofTexts: Set<String> = ["minLength", "maxLength", "pattern", "format"]
    private static let ofNumbers: Set<String> = [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    ]
    private static let others: Set<String> = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"]
    private var refersToWhole = false

    mutating func read(_ document: JSONValue) throws(CollabError) -> JSONSchema {
        var schema = try read(document, at: "#")
        for key in ["$defs", "definitions"] {
            for member in document[key]?.objectValue ?? JSONObject() {
                if schema.definitions[member.key] != nil {
                    throw unsupported("the definition “\(member.key)” twice", "#/\(key)")
                }
                schema.definitions[member.key] = try read(member.value, at: "#/\(key)/\(member.key)")
            }
        }
        if refersToWhole { schema.definitions[JSONSchema.whole] = JSONSchema(schema.form) }
        return schema
    }

    func invalid(_ what: String, _ place: String) -> CollabError {
        CollabError(.invalidConstraint, "The JSON schema \(what), at \(place).")
    }

    func unsupported(_ what: String, _ place: String) -> CollabError {
        CollabError(
            .unsupported,
            "The JSON schema has \(what) at \(place), which a constraint cannot enforce."
        )
    }

    private mutating func read(_ value: JSONValue, at place: String) throws(CollabError) -> JSONSchema {
        if let isAllowed = value.boolValue { return isAllowed ? .anything : .nothing }
        guard let object = value.objectValue else {
            throw invalid("is neither an object nor a truth value", place)
        }
        let known = Self.passedOver.union(Self.ofObjects).union(Self.ofArrays).union(Self.ofTexts)
            .union(Self.ofNumbers).union(Self.others)
        for key in object.keys where !known.contains(key) {
            throw unsupported("the keyword “\(key)”", place)
        }
        try checkValues(of: object, at: place)
        if place != "#", object["$defs"] != nil || object["definitions"] != nil {
            throw unsupported("definitions within a part", place)
        }
        return JSONSchema(try form(object, at: place), description: object["description"]?.stringValue)
    }

    // MARK: Kinds

    private mutating func form(_ object: JSONObject, at place: String) throws(CollabError) -> JSONSchema.Form
    {
        let combining = ["$ref", "anyOf", "oneOf", "allOf"].filter { object[$0] != nil }
        let asserting = object.keys.filter { !Self.passedOver.contains($0) }
        if let key = combining.first {
            if let other = asserting.first(where: { $0 != key }) {
                throw unsupported("“\(other)” beside “\(key)”", place)
            }
            return try combined(key, object[key] ?? .null, at: place)
        }
        if let values = object["enum"]?.arrayValue ?? object["const"].map({ [$0] }) {
            return try constants(values, object, asserting, at: place)
        }
        var types = types(object)
        // Without a type, the keywords tell which one is meant; values of others would be valid too.
        if types.isEmpty {
            for (keys, type) in [
                (Self.ofObjects, "object"), (Self.ofArrays, "array"), (Self.ofTexts, "string"),
                (Self.ofNumbers, "number"),
            ] where !keys.isDisjoint(with: asserting) { types.append(type) }
        }
        if types.isEmpty { return .anything }
        var forms: [JSONSchema.Form] = []
        for type in types { forms.append(try form(ofType: type, object, at: place)) }
        return forms.count == 1 ? forms[0] : .alternatives(forms.map { JSONSchema($0) })
    }

    private func types(_ object: JSONObject) -> [String] {
        guard let type = object["type"] else { return [] }
        return type.stringValue.map { [$0] } ?? type.arrayValue?.compactMap(\.stringValue) ?? []
    }

    private mutating func combined(
        _ key: String,
        _ value: JSONValue,
        at place: String
    ) throws(CollabError) -> JSONSchema.Form {
        if key == "$ref" { return try reference(value, at: place) }
        let parts = value.arrayValue ?? []
        if key == "allOf", parts.count > 1 { throw unsupported("“allOf” of several schemas", place) }
        var schemas: [JSONSchema] = []
        for (index, part) in parts.enumerated() {
            schemas.append(try read(part, at: "\(place)/\(key)/\(index)"))
        }
        return schemas.count == 1 ? schemas[0].form : .alternatives(schemas)
    }

    private mutating func reference(_ value: JSONValue, at place: String) throws(CollabError)
        -> JSONSchema.Form
    {
        let text = value.stringValue ?? ""
        if text == "#" {
            refersToWhole = true
            return .reference(JSONSchema.whole)
        }
        for prefix in ["#/$defs/", "#/definitions/"] where text.hasPrefix(prefix) {
            let name = text.dropFirst(prefix.count)
            if !name.contains("/"), !name.contains("%"), let name = Self.unescaped(name) {
                return .reference(name)
            }
        }
        throw unsupported("the reference “\(text)”", place)
    }

    /// A name as it is behind the escapes of pointers (RFC 6901); `nil` if there is one that means nothing.
    private static func unescaped(_ name: Substring) -> String? {
        let parts = name.split(separator: "~", omittingEmptySubsequences: false)
        var result = String(parts[0])
        for part in parts.dropFirst() {
            switch part.first {
            case "0": result += "~" + part.dropFirst()
            case "1": result += "/" + part.dropFirst()
            default: return nil
            }
        }
        return result
    }

    private func constants(
        _ values: [JSONValue],
        _ object: JSONObject,
        _ asserting: [String],
        at place: String
    ) throws(CollabError) -> JSONSchema.Form {
        if let other = asserting.first(where: { !["enum", "const", "type"].contains($0) }) {
            throw unsupported("“\(other)” beside “enum” or “const”", place)
        }
        var values = values
        if let constant = object["const"] { values = values.filter { $0 == constant } }
        let types = types(object)
        if !types.isEmpty { values = values.filter { value in types.contains { Self.isOf($0, value) } } }
        if values.isEmpty { throw invalid("has no value that “enum”, “const” and “type” all allow", place) }
        let constants = values.map { JSONSchema(.constant($0.description)) }
        return constants.count == 1 ? constants[0].form : .alternatives(constants)
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .array), ("object", .object):
            true
        case ("integer", .integer), ("integer", .unsigned): true
        case ("integer", .double(let number)): number.rounded() == number
        case ("number", .integer), ("number", .unsigned), ("number", .double): true
        default: false
        }
    }

    private mutating func form(
        ofType type: String,
        _ object: JSONObject,
        at place: String
    ) throws(CollabError) -> JSONSchema.Form {
        switch type {
        case "null": return .null
        case "boolean": return .boolean
        case "string": return try textForm(object, at: place)
        case "integer": return try integerForm(object, at: place)
        case "number": return .number(bounds(object))
        case "array": return try arrayForm(object, at: place)
        case "object": return try objectForm(object, at: place)
        default: throw invalid("has the unknown type “\(type)”", place)
        }
    }

    // MARK: Texts

    private func textForm(_ object: JSONObject, at place: String) throws(CollabError) -> JSONSchema.Form {
        let least = object["minLength"].flatMap(Self.count)
        let most = object["maxLength"].flatMap(Self.count)
        let special = ["pattern", "format"].filter { object[$0] != nil }
        if special.isEmpty { return .text(least: least ?? 0, most: most) }
        if special.count > 1 || least ?? 0 > 0 || most != nil {
            throw unsupported("“\(special[0])” together with other limits of a text", place)
        }
        let text = object[special[0]]?.stringValue ?? ""
        return special[0] == "pattern" ? .pattern(text) : .format(text)
    }

    // MARK: Arrays and objects

    private mutating func arrayForm(_ object: JSONObject, at place: String) throws(CollabError)
        -> JSONSchema.Form
    {
        if object["uniqueItems"]?.boolValue == true { throw unsupported("the keyword “uniqueItems”", place) }
        let least = object["minItems"].flatMap(Self.count) ?? 0
        // Older drafts have the first elements' schemas in `items`.
        let listed = object["prefixItems"]?.arrayValue ?? object["items"]?.arrayValue ?? []
        var first: [JSONSchema] = []
        for (index, item) in listed.enumerated() {
            first.append(try read(item, at: "\(place)/prefixItems/\(index)"))
        }
        var rest: JSONSchema?
        switch object["items"] {
        case nil, .array?: rest = first.isEmpty || least > first.count ? .anything : nil
        case .bool(false)?: rest = nil
        case let item?: rest = try read(item, at: "\(place)/items")
        }
        return .array(
            first: first,
            rest: rest,
            least: least,
            most: object["maxItems"].flatMap(Self.count)
        )
    }

    private mutating func objectForm(_ object: JSONObject, at place: String) throws(CollabError)
        -> JSONSchema.Form
    {
        let members = object["properties"]?.objectValue ?? JSONObject()
        let required = (object["required"]?.arrayValue ?? []).compactMap(\.stringValue)
        // By their bytes: to JSON, keys that look alike are different.
        let requiredKeys = Set(required.map { Array($0.utf8) })
        var further: JSONSchema?
        switch object["additionalProperties"] {
        case nil: further = members.isEmpty ? .anything : nil
        case .bool(let isAllowed)?: further = isAllowed ? .anything : nil
        case let schema?: further = try read(schema, at: "\(place)/additionalProperties")
        }
        var properties: [JSONSchema.Property] = []
        for member in members {
            if member.value.boolValue == false {
                if requiredKeys.contains(Array(member.key.utf8)) {
                    throw invalid("requires the member “\(member.key)” and does not allow it", place)
                }
                // It is named all the same, so that no further member has its key.
                if further == nil { continue }
            }
            properties.append(
                JSONSchema.Property(
                    member.key,
                    try read(member.value, at: "\(place)/properties/\(member.key)"),
                    isRequired: requiredKeys.contains(Array(member.key.utf8))
                )
            )
        }
        for key in required where members[key] == nil {
            if object["additionalProperties"]?.boolValue == false {
                throw invalid("requires the member “\(key)” and does not allow it", place)
            }
            properties.append(JSONSchema.Property(key, further ?? .anything))
        }
        return .object(properties, further: further)
    }
}

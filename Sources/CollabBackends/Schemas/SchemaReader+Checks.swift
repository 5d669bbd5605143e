internal import Collab

extension SchemaReader {
    /// The names that types have.
    private static let types: Set<String> = [
        "null", "boolean", "integer", "number", "string", "array", "object",
    ]

    /// Throws for the first keyword whose value makes no sense, whether or not it says anything about the schema's type.
    func checkValues(of object: JSONObject, at place: String) throws(CollabError) {
        for member in object {
            if let fault = Self.fault(of: member.key, member.value) {
                throw invalid("has a “\(member.key)” that \(fault)", place)
            }
        }
        for (key, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
        where object[key]?.boolValue == true && object[bound] == nil {
            throw invalid("has an “\(key)” without the “\(bound)” that it is about", place)
        }
    }

    /// What is wrong with a keyword's value, if anything is.
    private static func fault(of key: String, _ value: JSONValue) -> String? {
        switch key {
        case "type": typeFault(value)
        case "minLength", "maxLength", "minItems", "maxItems": count(value) == nil ? "is no count" : nil
        case "minimum", "maximum": value.doubleValue == nil ? "is no number" : nil
        case "exclusiveMinimum", "exclusiveMaximum":
            value.doubleValue == nil && value.boolValue == nil ? "is neither a number nor a truth value" : nil
        case "uniqueItems": value.boolValue == nil ? "is no truth value" : nil
        case "pattern", "format", "$ref": value.stringValue == nil ? "is no text" : nil
        case "enum": value.arrayValue?.isEmpty ?? true ? "is no array, or an empty one" : nil
        case "required": requiredFault(value)
        case "anyOf", "oneOf", "allOf", "prefixItems":
            isList(value) ? nil : "is no array of schemas, or an empty one"
        case "items": isSchema(value) || isList(value) ? nil : "is no schema"
        case "additionalProperties": isSchema(value) ? nil : "is no schema"
        case "properties", "$defs", "definitions":
            value.objectValue?.allSatisfy { isSchema($0.value) } ?? false ? nil : "is no object of schemas"
        default: nil
        }
    }

    private static func typeFault(_ value: JSONValue) -> String? {
        let names = value.stringValue.map { [$0] } ?? value.arrayValue?.compactMap(\.stringValue) ?? []
        guard !names.isEmpty, names.count == value.arrayValue?.count ?? 1 else {
            return "is neither text nor an array of texts"
        }
        if Set(names).count < names.count { return "names a type twice" }
        return names.first { !types.contains($0) }.map { "is unknown: “\($0)”" }
    }

    private static func requiredFault(_ value: JSONValue) -> String? {
        guard let array = value.arrayValue else { return "is no array of texts" }
        let keys = array.compactMap { $0.stringValue.map { Array($0.utf8) } }
        if keys.count < array.count { return "is no array of texts" }
        return Set(keys).count < keys.count ? "names a member twice" : nil
    }

    private static func isSchema(_ value: JSONValue) -> Bool {
        value.objectValue != nil || value.boolValue != nil
    }

    private static func isList(_ value: JSONValue) -> Bool {
        guard let parts = value.arrayValue, !parts.isEmpty else { return false }
        return parts.allSatisfy(isSchema)
    }

    /// A number of elements or characters.
    static func count(_ value: JSONValue) -> Int? {
        let count = value.intValue ?? value.doubleValue.flatMap { Int(exactly: $0) }
        return count.flatMap { $0 >= 0 ? $0 : nil }
    }
}

import Collab

/// The methods of lists and mappings, as far as they change nothing; text's are in a file of their own.
extension TemplateEvaluator {
    /// A method of a value, ready to be called, or a tuple's element of that name; nil where there is none.
    func method(_ name: String, of value: TemplateValue) throws(CollabError) -> TemplateValue? {
        switch value {
        case .string(let text):
            guard Self.textMethods.contains(name) else { return nil }
            return .object(
                TemplateFunction(name) { evaluator, call throws(CollabError) in
                    try evaluator.callTextMethod(name, TemplateText(text), call)
                }
            )
        case .mapping(let mapping):
            guard Self.mappingMethods.contains(name) || Self.mutatingMethods.contains(name) else {
                return nil
            }
            return .object(
                TemplateFunction(name) { evaluator, call throws(CollabError) in
                    try evaluator.callMappingMethod(name, mapping, call)
                }
            )
        case .list(let list) where list.kind != .generator:
            if let element = list.element(named: name) { return element }
            guard Self.listMethods.contains(name) || Self.mutatingMethods.contains(name) else { return nil }
            return .object(
                TemplateFunction(name) { evaluator, call throws(CollabError) in
                    try evaluator.callListMethod(name, list, call)
                }
            )
        default:
            return nil
        }
    }

    private static let mappingMethods: Set<String> = ["get", "items", "keys", "values", "copy"]
    private static let listMethods: Set<String> = ["index", "count", "copy"]
    /// Methods that would change their value; the sandbox of the original refuses them too.
    private static let mutatingMethods: Set<String> = [
        "append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort",
        "update",
    ]

    private func callMappingMethod(
        _ name: String,
        _ mapping: TemplateMapping,
        _ call: TemplateCall
    ) throws(CollabError) -> TemplateValue {
        switch name {
        case "get":
            let values = try call.bind(["key", "default"], for: "get", self)
            guard let key = values[0] else { throw failure("get needs a key") }
            try step(hashing: key)
            return mapping[key] ?? values[1] ?? .none
        case "items": return try items(mapping)
        case "keys": return try makeList(mapping.members.map(\.key))
        case "values": return try makeList(mapping.members.map(\.value))
        case "copy": return .mapping(mapping)
        default: throw unsafe(name)
        }
    }

    /// The members as tuples of key and value.
    func items(_ mapping: TemplateMapping) throws(CollabError) -> TemplateValue {
        try reserve(elements: 3 * mapping.count)
        return try makeList(
            mapping.members.map { .list(TemplateList([$0.key, $0.value], kind: .tuple)) }
        )
    }

    private func callListMethod(
        _ name: String,
        _ list: TemplateList,
        _ call: TemplateCall
    ) throws(CollabError) -> TemplateValue {
        switch name {
        case "copy":
            return .list(list)
        case "index", "count":
            guard let wanted = try call.bind(["value"], for: name, self)[0] else {
                throw failure("\(name) needs a value")
            }
            var count = 0
            for (position, element) in list.elements.enumerated() where try areEqual(element, wanted) {
                if name == "index" { return .integer(position) }
                count += 1
            }
            if name == "index" { throw failure("the list does not have that element") }
            return .integer(count)
        default:
            throw unsafe(name)
        }
    }

    private func unsafe(_ name: String) -> CollabError {
        failure("“\(name)” would change its value, which templates may not; use “set” and “+”", .unsupported)
    }
}

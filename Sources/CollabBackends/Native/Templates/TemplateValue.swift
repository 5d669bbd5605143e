/// A value while a template is rendered; it behaves as Python's does.
enum TemplateValue {
    /// Something that is not there. It prints as nothing; most other uses of it are errors.
    case undefined(name: String)
    case none
    case bool(Bool)
    case integer(Int)
    case double(Double)
    case string(String)
    case list(TemplateList)
    case mapping(TemplateMapping)
    case object(TemplateObject)

    /// What Python calls the type, for messages.
    var typeName: String {
        switch self {
        case .undefined: "undefined value"
        case .none: "none"
        case .bool: "truth value"
        case .integer: "whole number"
        case .double: "number"
        case .string: "text"
        case .list(let list): list.kind == .tuple ? "tuple" : "list"
        case .mapping: "mapping"
        case .object(let object): object.typeName
        }
    }

    /// How deep lists and mappings nest in it.
    var depth: Int {
        switch self {
        case .list(let list): list.depth
        case .mapping(let mapping): mapping.depth
        default: 0
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }

    /// Whether a condition holds.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .double(let value): value != 0
        case .string(let value): !value.isEmpty
        case .list(let list): list.kind == .generator || !list.elements.isEmpty
        case .mapping(let mapping): mapping.count > 0
        case .object: true
        }
    }

    /// A whole number; truth values count as 0 and 1.
    var integer: Int? {
        switch self {
        case .integer(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    /// A number of any kind.
    var double: Double? {
        switch self {
        case .double(let value): value
        default: integer.map(Double.init)
        }
    }

    var string: String? { if case .string(let value) = self { value } else { nil } }
}

/// Elements in order.
struct TemplateList {
    /// How the elements show themselves.
    enum Kind: Equatable {
        case list
        case tuple
        /// What `range` gives, with its text.
        case range(String)
        /// What filters such as `map` give: it has no length and counts as true.
        case generator
    }

    let elements: [TemplateValue]
    let kind: Kind
    /// The names that the elements of some tuples have as well, such as the groups of `groupby`.
    let names: [String]
    /// One more than the deepest element.
    let depth: Int

    init(_ elements: [TemplateValue], kind: Kind = .list, names: [String] = []) {
        self.elements = elements
        self.kind = kind
        self.names = names
        depth = 1 + elements.reduce(0) { max($0, $1.depth) }
    }
}

extension TemplateList {
    /// The element that has a name.
    func element(named name: String) -> TemplateValue? {
        names.firstIndex(of: name).map { elements[$0] }
    }
}

/// A key of a mapping. Keys are equal as in Python: `1`, `1.0` and `true` are one.
enum TemplateKey: Hashable {
    case none
    case number(Double)
    case integer(Int)
    case string(UTF8Key)
    indirect case tuple([TemplateKey])

    /// Nothing, if the value cannot be a key.
    init?(_ value: TemplateValue) {
        switch value {
        case .none: self = .none
        case .bool, .integer: self = .integer(value.integer!)
        case .double(let value): self = Int(exactly: value).map { .integer($0) } ?? .number(value)
        case .string(let value): self = .string(UTF8Key(value))
        case .list(let list) where list.kind == .tuple:
            let keys = list.elements.compactMap(TemplateKey.init)
            guard keys.count == list.elements.count else { return nil }
            self = .tuple(keys)
        case .undefined, .list, .mapping, .object: return nil
        }
    }
}

/// Keys with values, in the order in which the keys came.
final class TemplateMapping {
    let members: [(key: TemplateValue, value: TemplateValue)]
    /// One more than the deepest value.
    let depth: Int
    private let index: [TemplateKey: Int]

    var count: Int { members.count }

    /// Makes a mapping; of equal keys the last value counts. Keys that cannot be keys are left out.
    init(_ pairs: some Sequence<(key: TemplateValue, value: TemplateValue)>) {
        var members: [(key: TemplateValue, value: TemplateValue)] = []
        var index: [TemplateKey: Int] = [:]
        for (key, value) in pairs {
            guard let hashed = TemplateKey(key) else { continue }
            if let position = index[hashed] {
                members[position].value = value
            } else {
                index[hashed] = members.count
                members.append((key, value))
            }
        }
        self.members = members
        self.index = index
        depth = 1 + members.reduce(0) { max($0, $1.value.depth) }
    }

    subscript(key: TemplateValue) -> TemplateValue? {
        TemplateKey(key).flatMap { index[$0] }.map { members[$0].value }
    }

    subscript(name: String) -> TemplateValue? {
        index[.string(UTF8Key(name))].map { members[$0].value }
    }
}

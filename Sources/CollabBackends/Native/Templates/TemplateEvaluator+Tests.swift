import Collab

extension TemplateEvaluator {
    /// Whether `value is name(…)`.
    func test(_ name: String, _ value: TemplateValue, _ call: TemplateCall) throws(CollabError) -> Bool {
        func argument() throws(CollabError) -> TemplateValue {
            guard let first = call.positional.first else { throw failure("the test “\(name)” needs a value") }
            return first
        }
        func remainder(_ divisor: TemplateValue) throws(CollabError) -> Double {
            try calculate(.modulo, value, divisor).double ?? .nan
        }
        if case .string = value, Self.readingTests.contains(name) { try step(over: value) }
        switch name {
        case "defined": return !value.isUndefined
        case "undefined": return value.isUndefined
        case "none": if case .none = value { return true } else { return false }
        case "boolean": if case .bool = value { return true } else { return false }
        case "true": if case .bool(true) = value { return true } else { return false }
        case "false": if case .bool(false) = value { return true } else { return false }
        case "integer": if case .integer = value { return true } else { return false }
        case "float": if case .double = value { return true } else { return false }
        case "number": return value.double != nil
        case "string": return value.string != nil
        case "mapping": if case .mapping = value { return true } else { return false }
        case "sequence", "iterable": return isIterable(value, withLength: name == "sequence")
        case "callable":
            guard case .object(let object) = value else { return value.isUndefined }
            return object is TemplateFunction || object is TemplateMacroValue || object is TemplateLoopState
        case "odd": return try remainder(.integer(2)) == 1
        case "even": return try remainder(.integer(2)) == 0
        case "divisibleby": return try remainder(try argument()) == 0
        case "lower": return try readText(value).satisfies("islower")
        case "upper": return try readText(value).satisfies("isupper")
        case "==", "eq", "equalto": return try areEqual(value, try argument())
        case "!=", "ne": return try !areEqual(value, try argument())
        case "<", "lt", "lessthan": return try isLess(value, try argument())
        case "<=", "le": return try isLess(value, try argument(), orEqual: true)
        case ">", "gt", "greaterthan": return try isLess(try argument(), value)
        case ">=", "ge": return try isLess(try argument(), value, orEqual: true)
        case "in": return try contains(try argument(), value)
        case "sameas": return try isSame(value, try argument())
        case "filter": return try Self.filterNames.contains(readText(value))
        case "test": return try Self.testNames.contains(readText(value))
        default: throw failure("there is no test “\(name.prefix(40))”", .unsupported)
        }
    }

    /// Those that go through a text; comparisons count for themselves what they go through.
    private static let readingTests: Set<String> = ["lower", "upper", "filter", "test"]

    private static let testNames: Set<String> = [
        "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string",
        "mapping",
        "sequence", "iterable", "callable", "odd", "even", "divisibleby", "lower", "upper", "==", "eq",
        "equalto",
        "!=", "ne", "<", "lt", "lessthan", "<=", "le", ">", "gt", "greaterthan", ">=", "ge", "in", "sameas",
        "filter",
        "test",
    ]

    private func isIterable(_ value: TemplateValue, withLength: Bool) -> Bool {
        switch value {
        case .string, .mapping, .undefined: true
        case .list(let list): !(withLength && list.kind == .generator)
        default: false
        }
    }

    private func isSame(_ left: TemplateValue, _ right: TemplateValue) throws(CollabError) -> Bool {
        switch (left, right) {
        case (.bool, .bool), (.integer, .integer), (.none, .none), (.string, .string):
            try areEqual(left, right)
        case (.object(let left), .object(let right)): left === right
        case (.mapping(let left), .mapping(let right)): left === right
        default: false
        }
    }
}

import Collab

extension TemplateEvaluator {
    /// Whether a comparison holds.
    func holds(
        _ comparison: TemplateComparison,
        _ left: TemplateValue,
        _ right: TemplateValue
    ) throws(CollabError) -> Bool {
        switch comparison {
        case .equal: try areEqual(left, right)
        case .notEqual: try !areEqual(left, right)
        case .less: try isLess(left, right)
        case .greater: try isLess(right, left)
        case .lessOrEqual: try isLess(left, right, orEqual: true)
        case .greaterOrEqual: try isLess(right, left, orEqual: true)
        case .isIn: try contains(right, left)
        case .isNotIn: try !contains(right, left)
        }
    }

    /// Python's `==`. Depth is bounded by that of values.
    func areEqual(_ left: TemplateValue, _ right: TemplateValue) throws(CollabError) -> Bool {
        try step()
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let left), .string(let right)):
            try step(min(left.utf8.count, right.utf8.count) / 64)
            return hasSameUTF8(left, right)
        case (.list(let left), .list(let right)):
            guard left.kind == right.kind, left.elements.count == right.elements.count else { return false }
            for (left, right) in zip(left.elements, right.elements) where try !areEqual(left, right) {
                return false
            }
            return true
        case (.mapping(let left), .mapping(let right)):
            guard left.count == right.count else { return false }
            for (key, value) in left.members {
                guard let other = right[key], try areEqual(value, other) else { return false }
            }
            return true
        case (.object(let left), .object(let right)): return left === right
        default:
            if let left = left.integer, let right = right.integer { return left == right }
            if let left = left.double, let right = right.double { return left == right }
            return false
        }
    }

    /// Python's `<` (or `<=`): numbers, text by code points, lists element by element.
    func isLess(
        _ left: TemplateValue,
        _ right: TemplateValue,
        orEqual: Bool = false
    ) throws(CollabError) -> Bool {
        try step()
        if let left = left.integer, let right = right.integer {
            return left < right || (orEqual && left == right)
        }
        if let left = left.double, let right = right.double {
            return left < right || (orEqual && left == right)
        }
        switch (left, right) {
        case (.string(let left), .string(let right)):
            // The order of UTF-8 bytes is the order of code points.
            try step(min(left.utf8.count, right.utf8.count) / 64)
            if left.utf8.lexicographicallyPrecedes(right.utf8) { return true }
            return orEqual && hasSameUTF8(left, right)
        case (.list(let left), .list(let right)) where left.kind == right.kind:
            for (left, right) in zip(left.elements, right.elements) where try !areEqual(left, right) {
                return try isLess(left, right)
            }
            let (count, other) = (left.elements.count, right.elements.count)
            return count < other || (orEqual && count == other)
        default:
            throw failure("a \(left.typeName) and a \(right.typeName) cannot be ordered")
        }
    }

    /// Python's `element in container`.
    func contains(_ container: TemplateValue, _ element: TemplateValue) throws(CollabError) -> Bool {
        switch container {
        case .string(let text):
            guard let wanted = element.string else {
                throw failure("only text can be in text, not a \(element.typeName)")
            }
            try step((text.utf8.count + wanted.utf8.count) / 64)
            return TemplateText(text).contains(TemplateText(wanted))
        case .mapping(let mapping):
            try step(hashing: element)
            guard TemplateKey(element) != nil else { throw failure("a \(element.typeName) cannot be a key") }
            return mapping[element] != nil
        case .list(let list):
            for other in list.elements where try areEqual(other, element) { return true }
            return false
        case .undefined:
            return false
        default:
            throw failure("nothing can be “in” a \(container.typeName)")
        }
    }

    /// `-value` or `+value`.
    func signed(_ value: TemplateValue, isNegative: Bool) throws(CollabError) -> TemplateValue {
        if let integer = value.integer {
            return isNegative ? try exact(0.subtractingReportingOverflow(integer)) : .integer(integer)
        }
        if let double = value.double { return .double(isNegative ? -double : double) }
        throw undefinedOr("a \(value.typeName) has no sign", value)
    }

    /// One arithmetic operation, with Python's types and rounding.
    func calculate(
        _ chosen: TemplateOperator,
        _ left: TemplateValue,
        _ right: TemplateValue
    ) throws(CollabError) -> TemplateValue {
        switch (chosen, left, right) {
        case (.add, .string(let left), .string(let right)):
            try reserve(text: left.utf8.count + right.utf8.count)
            return .string(left + right)
        case (.add, .list(let left), .list(let right))
        where left.kind == right.kind && left.kind != .generator:
            try reserve(elements: left.elements.count + right.elements.count)
            return try makeList(left.elements + right.elements, kind: left.kind)
        case (.multiply, .string(let text), _) where right.integer != nil:
            return try repeated(text, right.integer!)
        case (.multiply, _, .string(let text)) where left.integer != nil:
            return try repeated(text, left.integer!)
        case (.multiply, .list(let list), _) where right.integer != nil:
            return try repeated(list, right.integer!)
        case (.multiply, _, .list(let list)) where left.integer != nil:
            return try repeated(list, left.integer!)
        case (.modulo, .string(let format), _):
            try step(over: left)
            return .string(try formatted(format, right))
        default: break
        }
        if chosen != .divide, let left = left.integer, let right = right.integer {
            return try calculate(chosen, left, right)
        }
        if let left = left.double, let right = right.double { return try calculate(chosen, left, right) }
        for value in [left, right] where value.isUndefined { throw undefinedOr("", value) }
        throw failure("“\(chosen.rawValue)” does not go with a \(left.typeName) and a \(right.typeName)")
    }

    private func undefinedOr(_ message: String, _ value: TemplateValue) -> CollabError {
        if case .undefined(let name) = value { return failure("“\(name)” is not defined") }
        return failure(message)
    }

    private func exact(_ result: (partialValue: Int, overflow: Bool)) throws(CollabError) -> TemplateValue {
        if result.overflow { throw failure("a whole number is beyond 64 bits") }
        return .integer(result.partialValue)
    }

    private func calculate(_ chosen: TemplateOperator, _ left: Int, _ right: Int) throws(CollabError)
        -> TemplateValue
    {
        switch chosen {
        case .add: return try exact(left.addingReportingOverflow(right))
        case .subtract: return try exact(left.subtractingReportingOverflow(right))
        case .multiply: return try exact(left.multipliedReportingOverflow(by: right))
        case .divide: return try calculate(chosen, Double(left), Double(right))
        case .floorDivide:
            if right == 0 { throw failure("division by zero") }
            let quotient = left.dividedReportingOverflow(by: right)
            if quotient.overflow { throw failure("a whole number is beyond 64 bits") }
            // Python rounds down, Swift towards zero.
            let isRounded = quotient.partialValue &* right != left && (left < 0) != (right < 0)
            return .integer(quotient.partialValue - (isRounded ? 1 : 0))
        case .modulo:
            if right == 0 { throw failure("division by zero") }
            let remainder = left.remainderReportingOverflow(dividingBy: right).partialValue
            return .integer(remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder)
        case .power:
            if right < 0 { return try calculate(chosen, Double(left), Double(right)) }
            var (result, base, exponent) = (1, left, right)
            while exponent > 0 {
                if exponent & 1 == 1 {
                    let product = result.multipliedReportingOverflow(by: base)
                    if product.overflow { throw failure("a whole number is beyond 64 bits") }
                    result = product.partialValue
                }
                exponent >>= 1
                if exponent > 0 {
                    let square = base.multipliedReportingOverflow(by: base)
                    if square.overflow { throw failure("a whole number is beyond 64 bits") }
                    base = square.partialValue
                }
            }
            return .integer(result)
        }
    }

    private func calculate(
        _ chosen: TemplateOperator,
        _ left: Double,
        _ right: Double
    ) throws(CollabError) -> TemplateValue {
        switch chosen {
        case .add: return .double(left + right)
        case .subtract: return .double(left - right)
        case .multiply: return .double(left * right)
        case .power: return .double(TemplateNumber.power(left, right))
        case .divide, .floorDivide, .modulo:
            if right == 0 { throw failure("division by zero") }
            switch chosen {
            case .divide: return .double(left / right)
            case .floorDivide: return .double((left / right).rounded(.down))
            default: return .double(left - right * (left / right).rounded(.down))
            }
        }
    }

    private func repeated(_ text: String, _ count: Int) throws(CollabError) -> TemplateValue {
        guard count > 0, !text.isEmpty else { return .string("") }
        let (size, overflow) = text.utf8.count.multipliedReportingOverflow(by: count)
        try reserve(text: overflow ? .max : size)
        return .string(String(repeating: text, count: count))
    }

    private func repeated(_ list: TemplateList, _ count: Int) throws(CollabError) -> TemplateValue {
        guard count > 0, !list.elements.isEmpty else { return try makeList([], kind: list.kind) }
        let (size, overflow) = list.elements.count.multipliedReportingOverflow(by: count)
        try reserve(elements: overflow ? .max : size)
        return try makeList(Array(repeatElement(list.elements, count: count).joined()), kind: list.kind)
    }
}

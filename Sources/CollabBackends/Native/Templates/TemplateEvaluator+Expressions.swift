import Collab

extension TemplateEvaluator {
    /// The value of an expression.
    func evaluate(_ expression: TemplateExpression, _ scope: TemplateScope) throws(CollabError)
        -> TemplateValue
    {
        try step()
        try descend()
        defer { ascend() }
        line = expression.line
        switch expression.kind {
        case .none: return .none
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .double(let value): return .double(value)
        case .string(let value): return .string(value)
        case .name(let name): return scope.find(name) ?? .undefined(name: name)
        case .list(let elements): return try makeList(try evaluate(elements, scope))
        case .tuple(let elements): return try makeList(try evaluate(elements, scope), kind: .tuple)
        case .mapping(let members): return try evaluate(members, scope)
        case .conditional(let condition, let then, let otherwise):
            if try evaluate(condition, scope).isTrue { return try evaluate(then, scope) }
            guard let otherwise else { return .undefined(name: "the value of a condition without “else”") }
            return try evaluate(otherwise, scope)
        case .or(let parts): return try evaluate(parts, until: true, scope)
        case .and(let parts): return try evaluate(parts, until: false, scope)
        case .not(let operand): return .bool(try !evaluate(operand, scope).isTrue)
        case .comparison(let first, let rest): return try compare(first, rest, scope)
        case .arithmetic(let first, let rest): return try calculate(first, rest, scope)
        case .concatenation(let parts): return try concatenate(parts, scope)
        case .sign(let isNegative, let operand):
            return try signed(try evaluate(operand, scope), isNegative: isNegative)
        case .postfix(let base, let postfixes):
            return try apply(postfixes[...], to: try evaluate(base, scope), scope)
        }
    }

    private func evaluate(
        _ expressions: [TemplateExpression],
        _ scope: TemplateScope
    ) throws(CollabError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try evaluate(expression, scope)) }
        return values
    }

    private func evaluate(
        _ members: [(key: TemplateExpression, value: TemplateExpression)],
        _ scope: TemplateScope
    ) throws(CollabError) -> TemplateValue {
        var values: [(key: TemplateValue, value: TemplateValue)] = []
        for member in members {
            values.append((try evaluate(member.key, scope), try evaluate(member.value, scope)))
        }
        return try makeMapping(values)
    }

    /// The first part that is true (`or`) or false (`and`), else the last.
    private func evaluate(
        _ parts: [TemplateExpression],
        until wanted: Bool,
        _ scope: TemplateScope
    ) throws(CollabError) -> TemplateValue {
        var value = TemplateValue.none
        for part in parts {
            value = try evaluate(part, scope)
            if value.isTrue == wanted { return value }
        }
        return value
    }

    private func compare(
        _ first: TemplateExpression,
        _ rest: [(TemplateComparison, TemplateExpression)],
        _ scope: TemplateScope
    ) throws(CollabError) -> TemplateValue {
        var left = try evaluate(first, scope)
        for (comparison, expression) in rest {
            let right = try evaluate(expression, scope)
            guard try holds(comparison, left, right) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    private func calculate(
        _ first: TemplateExpression,
        _ rest: [(TemplateOperator, TemplateExpression)],
        _ scope: TemplateScope
    ) throws(CollabError) -> TemplateValue {
        var value = try evaluate(first, scope)
        for (chosen, expression) in rest {
            let operand = try evaluate(expression, scope)
            value = try calculate(chosen, value, operand)
        }
        return value
    }

    private func concatenate(
        _ parts: [TemplateExpression],
        _ scope: TemplateScope
    ) throws(CollabError) -> TemplateValue {
        var result = ""
        for part in parts {
            let text = try text(try evaluate(part, scope))
            try reserve(text: result.utf8.count + text.utf8.count)
            result += text
        }
        return .string(result)
    }

    /// The values of a call's arguments.
    func evaluate(_ arguments: TemplateArguments, _ scope: TemplateScope) throws(CollabError) -> TemplateCall
    {
        var call = TemplateCall()
        call.positional = try evaluate(arguments.positional, scope)
        if let list = arguments.unpackedList {
            let value = try evaluate(list, scope)
            try step(over: value)
            call.positional += try elements(of: value)
        }
        for (name, value) in arguments.named { call.named.append((name, try evaluate(value, scope))) }
        if let unpacked = arguments.unpackedMapping {
            guard case .mapping(let mapping) = try evaluate(unpacked, scope) else {
                throw failure("only a mapping can be unpacked by “**”")
            }
            try step(over: .mapping(mapping))
            for (key, value) in mapping.members {
                guard let name = key.string else { throw failure("the names of arguments must be text") }
                call.named.append((name, value))
            }
        }
        return call
    }

    /// A value after attributes, subscripts, calls, filters and tests.
    func apply(
        _ postfixes: some Sequence<TemplatePostfix>,
        to value: TemplateValue,
        _ scope: TemplateScope
    ) throws(CollabError) -> TemplateValue {
        var value = value
        for postfix in postfixes {
            try step()
            value = try apply(postfix, to: value, scope)
        }
        return value
    }

    private func apply(
        _ postfix: TemplatePostfix,
        to value: TemplateValue,
        _ scope: TemplateScope
    ) throws(CollabError) -> TemplateValue {
        switch postfix {
        case .attribute(let name):
            return try attribute(name, of: value)
        case .subscript_(let expression):
            return try element(try evaluate(expression, scope), of: value)
        case .slice(let start, let stop, let step):
            return try slice(
                value,
                try start.map { (part) throws(CollabError) in try evaluate(part, scope) },
                try stop.map { (part) throws(CollabError) in try evaluate(part, scope) },
                try step.map { (part) throws(CollabError) in try evaluate(part, scope) }
            )
        case .call(let arguments):
            return try call(value, try evaluate(arguments, scope))
        case .filter(let name, let arguments, let line):
            let call = try evaluate(arguments, scope)
            self.line = line
            return try filter(name, value, call)
        case .test(let name, let arguments, let isNegated, let line):
            let call = try evaluate(arguments, scope)
            self.line = line
            return .bool(try test(name, value, call) != isNegated)
        }
    }

    // MARK: Elements

    /// What a loop over the value goes through.
    func elements(of value: TemplateValue) throws(CollabError) -> [TemplateValue] {
        switch value {
        case .undefined: return []
        case .list(let list): return list.elements
        case .mapping(let mapping):
            try step(over: value)
            return mapping.members.map(\.key)
        case .string(let text):
            try reserve(elements: text.utf8.count)
            return text.unicodeScalars.map { .string(String(Character($0))) }
        default: throw failure("a \(value.typeName) has no elements to go through")
        }
    }

    /// `value.name`: a method or attribute, else the member of that key.
    func attribute(_ name: String, of value: TemplateValue) throws(CollabError) -> TemplateValue {
        switch value {
        case .undefined(let owner):
            throw failure("“\(owner)” is not defined, so it has no “\(name)”")
        case .object(let object):
            return object.attribute(name) ?? .undefined(name: name)
        case .mapping(let mapping):
            return try method(name, of: value) ?? mapping[name] ?? .undefined(name: name)
        default:
            return try method(name, of: value) ?? .undefined(name: name)
        }
    }

    /// `value[key]`: the member or element, else the attribute of that name.
    func element(_ key: TemplateValue, of value: TemplateValue) throws(CollabError) -> TemplateValue {
        try step(hashing: key)
        switch value {
        case .undefined(let owner):
            throw failure("“\(owner)” is not defined, so it has no elements")
        case .mapping(let mapping):
            if let found = mapping[key] { return found }
        case .list(let list) where list.kind != .generator:
            if let position = key.integer {
                let index = position < 0 ? position + list.elements.count : position
                guard list.elements.indices.contains(index) else { return .undefined(name: "[\(position)]") }
                return list.elements[index]
            }
        case .string(let text):
            if let position = key.integer {
                let scalars = text.unicodeScalars
                try step(scalars.count / 64)
                let index = position < 0 ? position + scalars.count : position
                guard index >= 0, index < scalars.count else { return .undefined(name: "[\(position)]") }
                return .string(String(Character(scalars[scalars.index(scalars.startIndex, offsetBy: index)])))
            }
        default: break
        }
        if let name = key.string { return try attribute(name, of: value) }
        return .undefined(name: "[\(try text(key).prefix(40))]")
    }

    /// `value[start:stop:step]`, as Python slices.
    private func slice(
        _ value: TemplateValue,
        _ start: TemplateValue?,
        _ stop: TemplateValue?,
        _ step: TemplateValue?
    ) throws(CollabError) -> TemplateValue {
        func part(_ value: TemplateValue?) throws(CollabError) -> Int? {
            switch value {
            case nil, .some(.none): return nil
            case .some(let value):
                guard let part = value.integer else { throw failure("a slice needs whole numbers") }
                return part
            }
        }
        let (first, last, stride) = (try part(start), try part(stop), try part(step) ?? 1)
        guard stride != 0 else { throw failure("a slice's step cannot be 0") }
        switch value {
        case .list(let list) where list.kind != .generator:
            let picked = Self.sliceIndices(list.elements.count, first, last, stride).map { list.elements[$0] }
            return try makeList(picked, kind: list.kind)
        case .string(let text):
            try reserve(text: text.utf8.count)
            let scalars = Array(text.unicodeScalars)
            var result = String.UnicodeScalarView()
            for index in Self.sliceIndices(scalars.count, first, last, stride) {
                result.append(scalars[index])
            }
            return .string(String(result))
        case .undefined(let owner): throw failure("“\(owner)” is not defined, so it cannot be sliced")
        default: return .undefined(name: "the slice of a \(value.typeName)")
        }
    }

    private static func sliceIndices(_ count: Int, _ first: Int?, _ last: Int?, _ stride: Int) -> StrideTo<
        Int
    > {
        let (lowest, highest) = stride > 0 ? (0, count) : (-1, count - 1)
        func clamped(_ part: Int?, _ fallback: Int) -> Int {
            guard let part else { return fallback }
            let index = part < 0 ? part + count : part
            return min(max(index, lowest), highest)
        }
        let start = clamped(first, stride > 0 ? 0 : count - 1)
        let stop = clamped(last, stride > 0 ? count : -1)
        // A stride beyond the count picks one element; clamping it keeps the sum from overflowing.
        return Swift.stride(from: start, to: stop, by: min(max(stride, -count - 1), count + 1))
    }
}

import Collab

/// The filters that work on lists and mappings.
extension TemplateEvaluator {
    func listFilter(_ name: String, _ value: TemplateValue, _ call: TemplateCall) throws(CollabError)
        -> TemplateValue
    {
        switch name {
        case "first", "last":
            if case .mapping(let mapping) = value, name == "last" {
                return mapping.members.last?.key ?? .undefined(name: name)
            }
            let elements = try elements(of: value)
            return (name == "first" ? elements.first : elements.last)
                ?? .undefined(name: "the \(name) element of an empty list")
        case "list": return try makeList(try elements(of: value))
        case "items":
            switch value {
            case .mapping(let mapping): return try items(mapping)
            case .undefined: return try makeList([], kind: .generator)
            default: throw failure("only a mapping has items, not a \(value.typeName)")
            }
        case "join":
            let values = try call.bind(["d", "attribute"], for: name, self)
            let separator = try values[0].map { (value) throws(CollabError) in try text(value) } ?? ""
            var parts: [String] = []
            for element in try elements(of: value) {
                parts.append(try text(try lookUp(values[1], in: element)))
            }
            return .string(try joined(parts, separator))
        case "map": return try map(value, call)
        case "select", "reject":
            return try select(value, call, attribute: false, isRejecting: name == "reject")
        case "selectattr", "rejectattr":
            return try select(value, call, attribute: true, isRejecting: name == "rejectattr")
        case "reverse":
            if let text = value.string {
                var reversed = String.UnicodeScalarView()
                for scalar in text.unicodeScalars.reversed() { reversed.append(scalar) }
                return .string(String(reversed))
            }
            return try makeList(try elements(of: value).reversed(), kind: .generator)
        case "sort": return try sort(value, call)
        case "unique": return try unique(value, call)
        case "min", "max": return try extreme(value, call, isMaximum: name == "max")
        case "sum":
            let values = try call.bind(["attribute", "start"], for: name, self)
            var sum = values[1] ?? .integer(0)
            for element in try elements(of: value) {
                sum = try calculate(.add, sum, try lookUp(values[0], in: element))
            }
            return sum
        case "dictsort": return try sortMembers(value, call)
        case "groupby": return try group(value, call)
        case "batch", "slice": return try cut(value, call, name)
        default: throw failure("there is no filter “\(name.prefix(40))”", .unsupported)
        }
    }

    /// The attribute that a path such as `function.name` leads to; the value itself where there is no path.
    private func lookUp(_ path: TemplateValue?, in value: TemplateValue) throws(CollabError) -> TemplateValue
    {
        switch path {
        case nil, .some(.none): return value
        case .integer(let position)?: return try element(.integer(position), of: value)
        case .string(let path)?:
            try step(path.utf8.count / 64)
            var value = value
            for name in path.split(separator: ".", omittingEmptySubsequences: false) {
                value = try element(Int(name).map { .integer($0) } ?? .string(String(name)), of: value)
            }
            return value
        case .some(let path): throw failure("a \(path.typeName) is no name of an attribute")
        }
    }

    private func map(_ value: TemplateValue, _ call: TemplateCall) throws(CollabError) -> TemplateValue {
        var results: [TemplateValue] = []
        // What counts as false has no elements here, even where it could not be gone through.
        if !value.isTrue { return try makeList([], kind: .generator) }
        if let attribute = call.named.first(where: { $0.name == "attribute" })?.value, call.positional.isEmpty
        {
            let fallback = call.named.first { $0.name == "default" }?.value
            for element in try elements(of: value) {
                let found = try lookUp(attribute, in: element)
                results.append(found.isUndefined ? fallback ?? found : found)
            }
        } else {
            guard let filter = call.positional.first?.string else {
                throw failure("map needs a filter or attribute=…")
            }
            let rest = TemplateCall(positional: Array(call.positional.dropFirst()), named: call.named)
            for element in try elements(of: value) { results.append(try self.filter(filter, element, rest)) }
        }
        return try makeList(results, kind: .generator)
    }

    private func select(
        _ value: TemplateValue,
        _ call: TemplateCall,
        attribute: Bool,
        isRejecting: Bool
    ) throws(CollabError) -> TemplateValue {
        var arguments = call.positional[...]
        let path = attribute ? arguments.popFirst() : nil
        if attribute, path == nil { throw failure("selecting by attribute needs its name") }
        let testName = arguments.popFirst()
        let rest = TemplateCall(positional: Array(arguments), named: call.named)
        var kept: [TemplateValue] = []
        if !value.isTrue { return try makeList([], kind: .generator) }
        for element in try elements(of: value) {
            let tested = try lookUp(path, in: element)
            let holds: Bool
            if let testName {
                guard let name = testName.string else { throw failure("the name of a test must be text") }
                holds = try test(name, tested, rest)
            } else {
                holds = tested.isTrue
            }
            if holds != isRejecting { kept.append(element) }
        }
        return try makeList(kept, kind: .generator)
    }

    // MARK: Order

    /// What an element is ordered by: its attributes, and small letters unless case matters.
    private func sortKey(
        _ element: TemplateValue,
        _ attribute: TemplateValue?,
        caseSensitive: Bool
    ) throws(CollabError) -> TemplateValue {
        var keys: [TemplateValue] = []
        if let paths = attribute?.string, paths.utf8.contains(UInt8(ascii: ",")) {
            for path in paths.split(separator: ",") {
                keys.append(try lookUp(.string(String(path)), in: element))
            }
        } else {
            keys = [try lookUp(attribute, in: element)]
        }
        for key in keys { try step(over: key) }
        if !caseSensitive {
            for index in keys.indices {
                if let text = keys[index].string { keys[index] = .string(text.lowercased()) }
            }
        }
        return keys.count == 1 ? keys[0] : try makeList(keys)
    }

    /// Sorts stably by merging, since the order may fail to exist.
    private func sorted<Element>(
        _ elements: [Element],
        isBefore: (Element, Element) throws(CollabError) -> Bool
    ) throws(CollabError) -> [Element] {
        guard elements.count > 1 else { return elements }
        let middle = elements.count / 2
        let left = try sorted(Array(elements[..<middle]), isBefore: isBefore)
        let right = try sorted(Array(elements[middle...]), isBefore: isBefore)
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        var (leftIndex, rightIndex) = (0, 0)
        while leftIndex < left.count, rightIndex < right.count {
            if try isBefore(right[rightIndex], left[leftIndex]) {
                result.append(right[rightIndex])
                rightIndex += 1
            } else {
                result.append(left[leftIndex])
                leftIndex += 1
            }
        }
        return result + left[leftIndex...] + right[rightIndex...]
    }

    private func sort(_ value: TemplateValue, _ call: TemplateCall) throws(CollabError) -> TemplateValue {
        let values = try call.bind(["reverse", "case_sensitive", "attribute"], for: "sort", self)
        let isReversed = values[0]?.isTrue ?? false
        var keyed: [(key: TemplateValue, element: TemplateValue)] = []
        for element in try elements(of: value) {
            keyed.append(
                (try sortKey(element, values[2], caseSensitive: values[1]?.isTrue ?? false), element)
            )
        }
        let sorted = try sorted(keyed) { (left, right) throws(CollabError) in
            try isReversed ? isLess(right.key, left.key) : isLess(left.key, right.key)
        }
        return try makeList(sorted.map(\.element))
    }

    private func sortMembers(_ value: TemplateValue, _ call: TemplateCall) throws(CollabError)
        -> TemplateValue
    {
        let values = try call.bind(["case_sensitive", "by", "reverse"], for: "dictsort", self)
        guard case .mapping(let mapping) = value else {
            throw failure("only a mapping can be sorted by dictsort")
        }
        let byValue = values[1]?.string == "value"
        let isReversed = values[2]?.isTrue ?? false
        var keyed: [(key: TemplateValue, member: TemplateValue)] = []
        for (key, value) in mapping.members {
            let ordered = try sortKey(byValue ? value : key, nil, caseSensitive: values[0]?.isTrue ?? false)
            keyed.append((ordered, try makeList([key, value], kind: .tuple)))
        }
        let sorted = try sorted(keyed) { (left, right) throws(CollabError) in
            try isReversed ? isLess(right.key, left.key) : isLess(left.key, right.key)
        }
        return try makeList(sorted.map(\.member))
    }

    private func unique(_ value: TemplateValue, _ call: TemplateCall) throws(CollabError) -> TemplateValue {
        let values = try call.bind(["case_sensitive", "attribute"], for: "unique", self)
        var seen: Set<TemplateKey> = []
        var kept: [TemplateValue] = []
        for element in try elements(of: value) {
            let key = try sortKey(element, values[1], caseSensitive: values[0]?.isTrue ?? false)
            if key.string == nil { try step(hashing: key) }
            guard let hashed = TemplateKey(key) else {
                throw failure("a \(key.typeName) cannot be told apart")
            }
            if seen.insert(hashed).inserted { kept.append(element) }
        }
        return try makeList(kept, kind: .generator)
    }

    private func extreme(_ value: TemplateValue, _ call: TemplateCall, isMaximum: Bool) throws(CollabError)
        -> TemplateValue
    {
        let values = try call.bind(["case_sensitive", "attribute"], for: isMaximum ? "max" : "min", self)
        var best: (key: TemplateValue, element: TemplateValue)?
        for element in try elements(of: value) {
            let key = try sortKey(element, values[1], caseSensitive: values[0]?.isTrue ?? false)
            if let current = best {
                if try isMaximum ? isLess(current.key, key) : isLess(key, current.key) {
                    best = (key, element)
                }
            } else {
                best = (key, element)
            }
        }
        return best?.element ?? .undefined(name: "the extreme of an empty list")
    }

    private func group(_ value: TemplateValue, _ call: TemplateCall) throws(CollabError) -> TemplateValue {
        let values = try call.bind(["attribute", "default", "case_sensitive"], for: "groupby", self)
        var keyed: [(key: TemplateValue, shown: TemplateValue, element: TemplateValue)] = []
        for element in try elements(of: value) {
            var shown = try lookUp(values[0], in: element)
            if shown.isUndefined, let fallback = values[1] { shown = fallback }
            keyed.append((try sortKey(shown, nil, caseSensitive: values[2]?.isTrue ?? false), shown, element))
        }
        let sorted = try sorted(keyed) { (left, right) throws(CollabError) in try isLess(left.key, right.key)
        }
        var groups: [TemplateValue] = []
        var start = 0
        for index in sorted.indices {
            if index + 1 < sorted.count, try areEqual(sorted[index + 1].key, sorted[index].key) { continue }
            let members = try makeList(sorted[start...index].map(\.element))
            let group = [sorted[start].shown, members]
            groups.append(try makeList(group, kind: .tuple, names: ["grouper", "list"]))
            start = index + 1
        }
        return try makeList(groups)
    }

    /// `batch`: rows of a length; `slice`: a count of columns.
    private func cut(_ value: TemplateValue, _ call: TemplateCall, _ name: String) throws(CollabError)
        -> TemplateValue
    {
        let isBatch = name == "batch"
        let values = try call.bind([isBatch ? "linecount" : "slices", "fill_with"], for: name, self)
        guard let count = values[0]?.integer, count > 0 else {
            throw failure("\(name) needs a count above 0")
        }
        let elements = try elements(of: value)
        try reserve(elements: count)
        var rows: [TemplateValue] = []
        if isBatch {
            for start in stride(from: 0, to: elements.count, by: count) {
                var row = Array(elements[start..<min(elements.count, start + count)])
                if let fill = values[1], row.count < count {
                    row += Array(repeating: fill, count: count - row.count)
                }
                rows.append(try makeList(row))
            }
            return try makeList(rows, kind: .generator)
        }
        let (each, surplus) = elements.count.quotientAndRemainder(dividingBy: count)
        var start = 0
        for index in 0..<count {
            let end = start + each + (index < surplus ? 1 : 0)
            var row = Array(elements[start..<end])
            if let fill = values[1], index >= surplus { row.append(fill) }
            rows.append(try makeList(row))
            start = end
        }
        return try makeList(rows, kind: .generator)
    }
}

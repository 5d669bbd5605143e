import Collab

/// The filters; those that work on lists are in a file of their own.
extension TemplateEvaluator {
    static let filterNames: Set<String> = [
        "abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape",
        "first",
        "float", "forceescape", "format", "groupby", "indent", "int", "items", "join", "last", "length",
        "list",
        "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select",
        "selectattr", "slice", "sort", "string", "sum", "title", "tojson", "trim", "truncate", "unique",
        "upper",
        "urlencode", "wordcount",
    ]

    /// Those that take as long whatever the value's size, or count for themselves what they go through.
    private static let immediateFilters: Set<String> = [
        "attr", "count", "d", "default", "first", "last", "length", "safe", "string",
    ]

    /// `value|name(…)`
    func filter(_ name: String, _ value: TemplateValue, _ call: TemplateCall) throws(CollabError)
        -> TemplateValue
    {
        try step()
        if !Self.immediateFilters.contains(name) { try step(over: value) }
        switch name {
        case "default", "d":
            let values = try call.bind(["default_value", "boolean"], for: name, self)
            let isMissing = value.isUndefined || (values[1]?.isTrue ?? false && !value.isTrue)
            return isMissing ? values[0] ?? .string("") : value
        case "lower", "upper":
            return try callTextMethod(name, TemplateText(try readText(value)), TemplateCall())
        case "capitalize": return .string(try readText(value).templateCapitalized)
        case "title": return .string(try readText(value).templateWordsCapitalized)
        case "trim":
            let characters = try call.bind(["chars"], for: name, self)[0]
            if let characters { try step(over: characters) }
            return .string(try readText(value).templateStripped(characters?.string))
        case "replace":
            let values = try call.bind(["old", "new", "count"], for: name, self)
            guard let old = values[0], let new = values[1] else { throw failure("replace needs two texts") }
            let (from, to) = (try text(old), try text(new))
            return .string(
                try replaced(TemplateText(try readText(value)), from, to, limit: values[2]?.integer)
            )
        case "string", "safe": return .string(try text(value))
        case "center":
            let values = try call.bind(["width"], for: name, self)
            return try callTextMethod(
                name,
                TemplateText(try readText(value)),
                TemplateCall(positional: [values[0] ?? .integer(80)])
            )
        case "format": return .string(try formatted(try readText(value), call))
        case "indent": return .string(try indented(try readText(value), call))
        case "truncate": return .string(try truncated(try readText(value), call))
        case "wordcount": return .integer(try readText(value).templateWordCount)
        case "escape", "e", "forceescape": return .string(try escaped(try readText(value)))
        case "urlencode": return .string(try urlEncoded(try readText(value)))
        case "tojson": return .string(try json(value, try jsonStyle(call)))
        case "int": return try wholeNumber(value, call)
        case "float":
            if let double = value.double { return .double(double) }
            if let text = value.string?.templateStripped(nil), let double = Double(text) {
                return .double(double)
            }
            return try call.bind(["default"], for: name, self)[0] ?? .double(0)
        case "abs":
            if let integer = value.integer { return try signed(.integer(integer), isNegative: integer < 0) }
            guard let double = value.double else { throw failure("a \(value.typeName) has no magnitude") }
            return .double(double.magnitude)
        case "round": return try rounded(value, call)
        case "length", "count": return .integer(try length(value))
        case "attr":
            guard let name = call.positional.first?.string else { throw failure("attr needs a name") }
            try step(over: .string(name))
            if case .object(let object) = value { return object.attribute(name) ?? .undefined(name: name) }
            return try method(name, of: value) ?? .undefined(name: name)
        default:
            guard Self.filterNames.contains(name) else {
                throw failure("there is no filter “\(name.prefix(40))”", .unsupported)
            }
            return try listFilter(name, value, call)
        }
    }

    /// How many elements, members or characters a value has.
    private func length(_ value: TemplateValue) throws(CollabError) -> Int {
        switch value {
        case .undefined: return 0
        case .string(let text):
            try step(text.utf8.count / 64)
            return text.unicodeScalars.count
        case .list(let list) where list.kind != .generator: return list.elements.count
        case .mapping(let mapping): return mapping.count
        default: throw failure("a \(value.typeName) has no length")
        }
    }

    private func indented(_ text: String, _ call: TemplateCall) throws(CollabError) -> String {
        let values = try call.bind(["width", "first", "blank"], for: "indent", self)
        let indentation: String
        if let text = values[0]?.string {
            indentation = text
        } else {
            let width = max(0, values[0]?.integer ?? 4)
            try reserve(text: width)
            indentation = String(repeating: " ", count: width)
        }
        let (first, blank) = (values[1]?.isTrue ?? false, values[2]?.isTrue ?? false)
        // A line break at the end begins a line of its own here, unlike in `splitlines`.
        let lines = (text + "\n").templateLines(keepingEnds: false)
        let (growth, overflow) = lines.count.multipliedReportingOverflow(by: indentation.utf8.count)
        try reserve(text: overflow ? .max : text.utf8.count &+ growth)
        var result = first ? indentation : ""
        for (index, line) in lines.enumerated() {
            if index > 0 { result += "\n" + (blank || !line.isEmpty ? indentation : "") }
            result += line
        }
        return result
    }

    private func truncated(_ text: String, _ call: TemplateCall) throws(CollabError) -> String {
        let values = try call.bind(["length", "killwords", "end", "leeway"], for: "truncate", self)
        let length = values[0]?.integer ?? 255
        let end = values[2]?.string ?? "..."
        try step(over: .string(end))
        let leeway = max(0, values[3]?.integer ?? 5)
        let scalars = text.unicodeScalars
        let endCount = end.unicodeScalars.count
        guard length >= endCount else { throw failure("truncate needs a length of at least \(endCount)") }
        let (limit, overflow) = length.addingReportingOverflow(leeway)
        if overflow || scalars.count <= limit { return text }
        let cut = String(scalars.prefix(length - endCount))
        if values[1]?.isTrue ?? false { return cut + end }
        let bytes = TemplateText(cut)
        let space = bytes.findLast(TemplateText(" "))
        return TemplateText(bytes.bytes[..<(space ?? bytes.bytes.count)]).string + end
    }

    private func escaped(_ text: String) throws(CollabError) -> String {
        try reserve(text: 6 * text.utf8.count)
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "'": result += "&#39;"
            case "\"": result += "&#34;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private func urlEncoded(_ text: String) throws(CollabError) -> String {
        try reserve(text: 3 * text.utf8.count)
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "-"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                result.append(byte)
            default:
                result.append(UInt8(ascii: "%"))
                result += ((byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)).utf8
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private func jsonStyle(_ call: TemplateCall) throws(CollabError) -> TemplateJSONWriter.Style {
        let values = try call.bind(
            ["ensure_ascii", "indent", "separators", "sort_keys"],
            for: "tojson",
            self
        )
        var style = TemplateJSONWriter.Style()
        style.escapesNonASCII = values[0]?.isTrue ?? false
        if let text = values[1]?.string {
            style.indentation = text
        } else if let width = values[1]?.integer {
            guard width <= 1000 else { throw failure("JSON is indented by more than 1000", .unsupported) }
            style.indentation = String(repeating: " ", count: max(0, width))
        }
        if let separators = values[2], case .list(let list) = separators {
            guard list.elements.count == 2, let item = list.elements[0].string,
                let key = list.elements[1].string
            else {
                throw failure("JSON's separators are two texts")
            }
            (style.itemSeparator, style.keySeparator) = (item, key)
        }
        style.sortsKeys = values[3]?.isTrue ?? false
        return style
    }

    private func wholeNumber(_ value: TemplateValue, _ call: TemplateCall) throws(CollabError)
        -> TemplateValue
    {
        let values = try call.bind(["default", "base"], for: "int", self)
        if let integer = value.integer { return .integer(integer) }
        if case .double(let double) = value, !double.isNaN {
            guard let integer = Int(exactly: double.rounded(.towardZero)) else {
                throw failure("a whole number is beyond 64 bits")
            }
            return .integer(integer)
        }
        if let text = value.string?.templateStripped(nil) {
            let base = values[1]?.integer ?? 10
            let digits = text.filter { $0 != "_" }
            if (2...36).contains(base), let integer = Int(digits, radix: base) { return .integer(integer) }
            if let double = Double(text), let integer = Int(exactly: double.rounded(.towardZero)) {
                return .integer(integer)
            }
        }
        return values[0] ?? .integer(0)
    }

    private func rounded(_ value: TemplateValue, _ call: TemplateCall) throws(CollabError) -> TemplateValue {
        let values = try call.bind(["precision", "method"], for: "round", self)
        guard let number = value.double else { throw failure("a \(value.typeName) cannot be rounded") }
        let rule: FloatingPointRoundingRule?
        switch values[1]?.string ?? "common" {
        case "common": rule = nil
        case "ceil": rule = .up
        case "floor": rule = .down
        default: throw failure("numbers are rounded by common, ceil or floor")
        }
        let digits = values[0]?.integer ?? 0
        // Python's round leaves a whole number whole.
        if let integer = value.integer, rule == nil, digits >= 0 { return .integer(integer) }
        return .double(TemplateNumber.rounded(number, digits: digits, rule: rule))
    }
}

extension String {
    /// Every word's first character large, the others small; words end at space, brackets and hyphens.
    fileprivate var templateWordsCapitalized: String {
        var result = ""
        var isStart = true
        for scalar in unicodeScalars {
            let isSeparator = scalar.isTemplateSpace || "-({[<".unicodeScalars.contains(scalar)
            result += isStart ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
            isStart = isSeparator
        }
        return result
    }

    /// How many runs of letters, digits and underscores there are.
    fileprivate var templateWordCount: Int {
        var count = 0
        var isInWord = false
        for scalar in unicodeScalars {
            let isWord = scalar == "_" || ScalarClass(scalar) == .letter || ScalarClass(scalar) == .number
            if isWord && !isInWord { count += 1 }
            isInWord = isWord
        }
        return count
    }
}

import Collab

/// The methods of text, as Python has them.
extension TemplateEvaluator {
    static let textMethods: Set<String> = [
        "capitalize", "casefold", "center", "count", "endswith", "find", "format", "format_map", "index",
        "isalnum",
        "isalpha",
        "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "join", "ljust",
        "lower",
        "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust",
        "rpartition",
        "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper",
        "zfill",
    ]

    /// Calls one of ``textMethods``.
    func callTextMethod(_ name: String, _ text: TemplateText, _ call: TemplateCall) throws(CollabError)
        -> TemplateValue
    {
        let string = text.string
        try step(over: .string(string))
        try reserve(text: text.bytes.count)
        switch name {
        case "lower": return .string(string.lowercased())
        case "casefold":
            // A character becomes three at most.
            try reserve(text: 2 * text.bytes.count)
            return .string(string.templateCaseFolded)
        case "upper": return .string(string.uppercased())
        case "capitalize": return .string(string.templateCapitalized)
        case "title": return .string(string.templateTitlecased)
        case "swapcase": return .string(string.templateCasesSwapped)
        case "strip", "lstrip", "rstrip":
            let characters = try call.bind(["chars"], for: name, self)[0]
            if let characters { try step(over: characters) }
            return .string(
                string.templateStripped(characters?.string, left: name != "rstrip", right: name != "lstrip")
            )
        case "startswith", "endswith": return .bool(try hasAffix(name, text, call))
        case "removeprefix", "removesuffix":
            let affix = TemplateText(try textArgument(0, of: name, call))
            guard name == "removeprefix" ? text.bytes.starts(with: affix.bytes) : text.hasSuffix(affix) else {
                return .string(string)
            }
            let rest =
                name == "removeprefix"
                ? text.bytes.dropFirst(affix.bytes.count) : text.bytes.dropLast(affix.bytes.count)
            return .string(TemplateText(rest).string)
        case "find", "rfind", "index", "rindex":
            let wanted = TemplateText(try textArgument(0, of: name, call))
            if let byte = name.hasPrefix("r") ? text.findLast(wanted) : text.find(wanted) {
                return .integer(text.position(ofByte: byte))
            }
            if name.hasSuffix("index") { throw failure("the text does not have that part") }
            return .integer(-1)
        case "count":
            let wanted = TemplateText(try textArgument(0, of: name, call))
            if wanted.bytes.isEmpty { return .integer(string.unicodeScalars.count + 1) }
            return .integer(text.ranges(of: wanted, limit: nil).count)
        case "replace":
            let values = try call.bind(["old", "new", "count"], for: name, self)
            guard let old = values[0]?.string, let new = values[1]?.string else {
                throw failure("replace needs two texts")
            }
            return .string(try replaced(text, old, new, limit: values[2]?.integer))
        case "split", "rsplit": return try split(text, name, call)
        case "splitlines": return try splitLines(string, call)
        case "partition", "rpartition":
            let separator = try textArgument(0, of: name, call)
            return try partition(text, TemplateText(separator), fromEnd: name == "rpartition")
        case "join":
            guard let list = call.positional.first else { throw failure("join needs a list") }
            var parts: [String] = []
            for element in try elements(of: list) {
                guard let part = element.string else {
                    throw failure("join needs texts, not a \(element.typeName)")
                }
                parts.append(part)
            }
            return .string(try joined(parts, string))
        case "ljust", "rjust", "center", "zfill": return .string(try justified(name, string, call))
        case "format": return .string(try braceFormatted(string, call))
        case "format_map":
            let members = try call.bind(["mapping"], for: name, self)[0] ?? .undefined(name: "mapping")
            return .string(try braceFormatted(string, members: members))
        default: return .bool(string.satisfies(name))
        }
    }

    /// An argument that must be text and is gone through.
    func textArgument(_ position: Int, of name: String, _ call: TemplateCall) throws(CollabError) -> String {
        guard call.positional.indices.contains(position), let text = call.positional[position].string else {
            throw failure("\(name) needs text")
        }
        try step(over: .string(text))
        return text
    }

    /// Texts joined by a separator.
    func joined(_ parts: [String], _ separator: String) throws(CollabError) -> String {
        let total = parts.reduce(0) { $0 + $1.utf8.count } + separator.utf8.count * max(0, parts.count - 1)
        try reserve(text: total)
        return parts.joined(separator: separator)
    }

    private func hasAffix(_ name: String, _ text: TemplateText, _ call: TemplateCall) throws(CollabError)
        -> Bool
    {
        guard let wanted = call.positional.first else { throw failure("\(name) needs text") }
        var candidates = [wanted]
        if case .list(let list) = wanted {
            try step(over: wanted)
            candidates = list.elements
        }
        for candidate in candidates {
            guard let affix = candidate.string else { throw failure("\(name) needs text") }
            // Only what is no longer than the text is compared with it, and counts.
            let count = affix.utf8.count
            guard count <= text.bytes.count else { continue }
            try step(over: candidate)
            let part = name == "startswith" ? text.bytes.prefix(count) : text.bytes.suffix(count)
            if part.elementsEqual(affix.utf8) { return true }
        }
        return false
    }

    /// The text with every occurrence (or the first few) replaced.
    func replaced(_ text: TemplateText, _ old: String, _ new: String, limit: Int?) throws(CollabError)
        -> String
    {
        try step(over: .string(old))
        try step(over: .string(new))
        let limit = limit.flatMap { $0 < 0 ? nil : $0 }
        let wanted = TemplateText(old)
        let replacement = Array(new.utf8)
        if wanted.bytes.isEmpty {
            // Python puts the replacement before every character and at the end.
            let scalars = text.string.unicodeScalars
            let count = min(limit ?? .max, scalars.count + 1)
            try reserve(
                text: text.bytes.count + count.multipliedReportingOverflow(by: replacement.count).partialValue
            )
            var result = ""
            for (index, scalar) in scalars.enumerated() {
                if index < count { result += new }
                result.unicodeScalars.append(scalar)
            }
            return count > scalars.count ? result + new : result
        }
        let ranges = text.ranges(of: wanted, limit: limit)
        let growth = ranges.count.multipliedReportingOverflow(by: replacement.count)
        try reserve(text: growth.overflow ? .max : text.bytes.count &+ growth.partialValue)
        var result: [UInt8] = []
        var start = 0
        for range in ranges {
            result += text.bytes[start..<range.lowerBound]
            result += replacement
            start = range.upperBound
        }
        result += text.bytes[start...]
        return TemplateText(result).string
    }

    private func split(_ text: TemplateText, _ name: String, _ call: TemplateCall) throws(CollabError)
        -> TemplateValue
    {
        let values = try call.bind(["sep", "maxsplit"], for: name, self)
        let limit = values[1]?.integer.flatMap { $0 < 0 ? nil : $0 }
        let parts: [String]
        if let separator = values[0]?.string {
            guard !separator.isEmpty else { throw failure("\(name) needs a separator that is not empty") }
            try step(over: .string(separator))
            parts = text.split(TemplateText(separator), limit: limit, fromEnd: name == "rsplit")
        } else {
            parts = text.string.templateWords(limit: limit, fromEnd: name == "rsplit")
        }
        return try makeList(parts.map { .string($0) })
    }

    private func splitLines(_ text: String, _ call: TemplateCall) throws(CollabError) -> TemplateValue {
        let keepsEnds = try call.bind(["keepends"], for: "splitlines", self)[0]?.isTrue ?? false
        return try makeList(text.templateLines(keepingEnds: keepsEnds).map { .string($0) })
    }

    private func partition(
        _ text: TemplateText,
        _ separator: TemplateText,
        fromEnd: Bool
    ) throws(CollabError) -> TemplateValue {
        guard !separator.bytes.isEmpty else { throw failure("partition needs a separator that is not empty") }
        let parts: [String]
        if let start = fromEnd ? text.findLast(separator) : text.find(separator) {
            let end = start + separator.bytes.count
            parts = [
                TemplateText(text.bytes[..<start]).string, separator.string,
                TemplateText(text.bytes[end...]).string,
            ]
        } else {
            parts = fromEnd ? ["", "", text.string] : [text.string, "", ""]
        }
        return try makeList(parts.map { .string($0) }, kind: .tuple)
    }

    private func justified(_ name: String, _ text: String, _ call: TemplateCall) throws(CollabError) -> String
    {
        let values = try call.bind(["width", "fillchar"], for: name, self)
        guard let width = values[0]?.integer else { throw failure("\(name) needs a width") }
        let fill = name == "zfill" ? "0" : values[1]?.string ?? " "
        let missing = max(0, width.subtractingReportingOverflow(text.unicodeScalars.count).partialValue)
        let (bytes, overflow) = missing.multipliedReportingOverflow(by: fill.utf8.count)
        try reserve(text: overflow ? .max : bytes)
        func filled(_ count: Int) -> String { String(repeating: fill, count: count) }
        switch name {
        case "ljust": return text + filled(missing)
        case "rjust": return filled(missing) + text
        case "zfill":
            let hasSign = text.hasPrefix("-") || text.hasPrefix("+")
            return hasSign ? text.prefix(1) + filled(missing) + text.dropFirst() : filled(missing) + text
        default:
            // Python puts the odd one to the left where the width is odd.
            let left = missing / 2 + (missing & width & 1)
            return filled(left) + text + filled(missing - left)
        }
    }
}

import Collab

/// The values that a format's fields are looked up among, and how they have been numbered so far.
private struct TemplateFormatFields {
    let positional: [TemplateValue]
    let named: (String) throws(CollabError) -> TemplateValue?
    /// The next of the fields that have no number; `nil` before any field.
    var next: Int?
    var isNumbered = false
}

/// What stands between the braces of a field: `name!conversion:specification`.
private struct TemplateFormatField {
    var name = String.UnicodeScalarView()
    var conversion: Unicode.Scalar?
    var specification = String.UnicodeScalarView()
}

/// Python's `str.format`, as far as templates may use it.
extension TemplateEvaluator {
    /// `'{}, {0.name!r:>8}'.format(…)`
    func braceFormatted(_ format: String, _ call: TemplateCall) throws(CollabError) -> String {
        var fields = TemplateFormatFields(positional: call.positional) { [self] name throws(CollabError) in
            try step(call.named.count / 8)
            return call.named.first { $0.name == name }?.value
        }
        return try braceFormatted(format.unicodeScalars, &fields, depth: 2)
    }

    /// `'{name}'.format_map(…)`
    func braceFormatted(_ format: String, members: TemplateValue) throws(CollabError) -> String {
        guard case .mapping(let mapping) = members else {
            throw failure("format_map needs a mapping, not a \(members.typeName)")
        }
        var fields = TemplateFormatFields(positional: []) { name throws(CollabError) in mapping[name] }
        return try braceFormatted(format.unicodeScalars, &fields, depth: 2)
    }

    /// - Parameter depth: how often specifications may still hold fields of their own.
    private func braceFormatted(
        _ format: String.UnicodeScalarView,
        _ fields: inout TemplateFormatFields,
        depth: Int
    ) throws(CollabError) -> String {
        guard depth >= 0 else { throw failure("the fields of a format nest too deep") }
        var pieces: [String] = []
        var literal = String.UnicodeScalarView()
        var rest = format[...]
        while let scalar = rest.popFirst() {
            guard scalar == "{" || scalar == "}" else {
                literal.append(scalar)
                continue
            }
            if rest.first == scalar {
                rest.removeFirst()
                literal.append(scalar)
                continue
            }
            guard scalar == "{", !rest.isEmpty else {
                throw failure("a format has a single “\(scalar)”; write it twice")
            }
            pieces.append(String(literal))
            literal = .init()
            let field = try readField(&rest)
            var value = try find(field.name, &fields)
            if let conversion = field.conversion { value = .string(try converted(value, conversion)) }
            let specification = try braceFormatted(field.specification, &fields, depth: depth - 1)
            let piece = try formatted(value, as: specification)
            try reserve(text: piece.utf8.count)
            pieces.append(piece)
        }
        pieces.append(String(literal))
        return try joined(pieces, "")
    }

    private func converted(_ value: TemplateValue, _ conversion: Unicode.Scalar) throws(CollabError)
        -> String
    {
        switch conversion {
        case "s": return try text(value)
        case "r", "a":
            var writer = TemplateTextWriter()
            try writer.write(value, self)
            guard conversion == "a" else { return writer.text }
            try reserve(text: 10 * writer.text.utf8.count)
            return TemplateTextWriter.escapingNonASCII(writer.text)
        default: throw failure("there is no conversion “!\(conversion)”")
        }
    }

    /// The rest of a field after its brace.
    private func readField(_ rest: inout Substring.UnicodeScalarView) throws(CollabError)
        -> TemplateFormatField
    {
        let unclosed = failure("a “{” of a format is not closed")
        var field = TemplateFormatField()
        var end: Unicode.Scalar?
        while end == nil {
            guard let scalar = rest.popFirst() else { throw unclosed }
            switch scalar {
            case "{": throw failure("the name of a format's field has a “{”")
            case "}", ":", "!": end = scalar
            case "[":
                field.name.append(scalar)
                while let key = rest.first, key != "]" { field.name.append(rest.removeFirst()) }
            default: field.name.append(scalar)
            }
        }
        if end == "}" { return field }
        if end == "!" {
            field.conversion = rest.popFirst()
            let next = rest.popFirst()
            if next == "}" { return field }
            guard next == ":" else { throw failure("a conversion is one letter, and “:” or “}” follows it") }
        }
        var open = 1
        while let scalar = rest.popFirst() {
            open += scalar == "{" ? 1 : scalar == "}" ? -1 : 0
            if open == 0 { return field }
            field.specification.append(scalar)
        }
        throw unclosed
    }

    /// What `first.attribute[element]…` leads to.
    private func find(_ name: String.UnicodeScalarView, _ fields: inout TemplateFormatFields)
        throws(CollabError) -> TemplateValue
    {
        try step(1 + name.count / 16)
        func isEnd(_ scalar: Unicode.Scalar) -> Bool { scalar == "." || scalar == "[" }
        let first = String(name.prefix { !isEnd($0) })
        var rest = name.drop { !isEnd($0) }
        var value = try find(first: first, &fields)
        while let separator = rest.popFirst() {
            guard separator == "[" else {
                guard separator == "." else {
                    throw failure("only “.” or “[” may follow “]” in a format's field")
                }
                let attribute = String(rest.prefix { !isEnd($0) })
                rest = rest.drop { !isEnd($0) }
                guard !attribute.isEmpty else { throw failure("an attribute in a format's field is empty") }
                try step()
                value = try self.attribute(attribute, of: value)
                continue
            }
            guard let close = rest.firstIndex(of: "]") else {
                throw failure("a “[” of a format is not closed")
            }
            let key = String(rest[..<close])
            rest = rest[rest.index(after: close)...]
            guard !key.isEmpty else { throw failure("an attribute in a format's field is empty") }
            value = try element(try number(key).map { .integer($0) } ?? .string(key), of: value)
        }
        return value
    }

    private func find(first: String, _ fields: inout TemplateFormatFields) throws(CollabError)
        -> TemplateValue
    {
        var position = try number(first)
        if position != nil || first.isEmpty {
            guard first.isEmpty ? !fields.isNumbered : fields.next == nil else {
                throw failure("a format has fields with and without numbers")
            }
            if first.isEmpty {
                position = fields.next ?? 0
                fields.next = position! + 1
            } else {
                fields.isNumbered = true
            }
        }
        let value: TemplateValue?
        if let position {
            value = fields.positional.indices.contains(position) ? fields.positional[position] : nil
        } else {
            value = try fields.named(first)
        }
        guard let value else { throw failure("there is no value for “{\(first.prefix(40))}”") }
        return value
    }

    /// A whole number in digits alone.
    private func number(_ text: String) throws(CollabError) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }) else {
            return nil
        }
        guard let number = Int(text) else { throw failure("a number in a format's field is beyond 64 bits") }
        return number
    }
}

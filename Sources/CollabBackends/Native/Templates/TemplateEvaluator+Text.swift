import Collab

/// How values print: as Python's `str` and `repr`, and as JSON.
extension TemplateEvaluator {
    /// Python's `str(value)`; something undefined is nothing.
    func text(_ value: TemplateValue) throws(CollabError) -> String {
        switch value {
        case .undefined: return ""
        case .string(let text): return text
        default:
            var writer = TemplateTextWriter()
            try writer.write(value, self)
            return writer.text
        }
    }

    /// `json.dumps(value, ensure_ascii=…, indent=…, separators=…, sort_keys=…)`
    func json(_ value: TemplateValue, _ style: TemplateJSONWriter.Style) throws(CollabError) -> String {
        var writer = TemplateJSONWriter(style: style)
        try writer.write(value, self, depth: 0)
        return writer.text
    }
}

/// Writes values as Python's `repr` does.
struct TemplateTextWriter {
    private(set) var text = ""

    private mutating func append(_ piece: String, _ evaluator: TemplateEvaluator) throws(CollabError) {
        try evaluator.reserve(text: piece.utf8.count)
        text += piece
    }

    mutating func write(_ value: TemplateValue, _ evaluator: TemplateEvaluator) throws(CollabError) {
        try evaluator.step()
        switch value {
        case .undefined: try append("Undefined", evaluator)
        case .none: try append("None", evaluator)
        case .bool(let value): try append(value ? "True" : "False", evaluator)
        case .integer(let value): try append(String(value), evaluator)
        case .double(let value): try append(TemplateNumber.text(value), evaluator)
        case .string(let value): try append(Self.quoted(value), evaluator)
        case .list(let list):
            if case .range(let text) = list.kind { return try append(text, evaluator) }
            let (open, close) = list.kind == .tuple ? ("(", ")") : ("[", "]")
            try append(open, evaluator)
            for (index, element) in list.elements.enumerated() {
                if index > 0 { try append(", ", evaluator) }
                try write(element, evaluator)
            }
            if list.kind == .tuple, list.elements.count == 1 { try append(",", evaluator) }
            try append(close, evaluator)
        case .mapping(let mapping):
            try append("{", evaluator)
            for (index, member) in mapping.members.enumerated() {
                if index > 0 { try append(", ", evaluator) }
                try write(member.key, evaluator)
                try append(": ", evaluator)
                try write(member.value, evaluator)
            }
            try append("}", evaluator)
        case .object(let object):
            try append("<\(object.typeName)>", evaluator)
        }
    }

    /// Text in quotes, with what does not print escaped.
    static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
        var result = String.UnicodeScalarView()
        result.append(quote)
        for scalar in scalars {
            switch scalar {
            case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\r": result.append(contentsOf: "\\r".unicodeScalars)
            case "\t": result.append(contentsOf: "\\t".unicodeScalars)
            case quote:
                result.append("\\")
                result.append(scalar)
            default:
                if scalar == " " || scalar.isPrintable {
                    result.append(scalar)
                } else {
                    result.append(contentsOf: escape(scalar).unicodeScalars)
                }
            }
        }
        result.append(quote)
        return String(result)
    }

    /// What `quoted` wrote, with all but ASCII escaped as well, as Python's `ascii`.
    static func escapingNonASCII(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            if scalar.isASCII { result.unicodeScalars.append(scalar) } else { result += escape(scalar) }
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let (kind, digits) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x1_0000 ? ("u", 4) : ("U", 8)
        let hex = String(scalar.value, radix: 16)
        return "\\" + kind + String(repeating: "0", count: digits - hex.utf8.count) + hex
    }
}

extension Unicode.Scalar {
    /// Whether Python prints the character as it is.
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            false
        default: true
        }
    }
}

/// Writes values as Python's `json.dumps` does.
struct TemplateJSONWriter {
    /// The arguments of `json.dumps`.
    struct Style {
        var escapesNonASCII = false
        var indentation: String?
        var itemSeparator: String?
        var keySeparator: String?
        var sortsKeys = false
    }

    let style: Style
    private(set) var text = ""

    init(style: Style) {
        self.style = style
    }

    private mutating func append(_ piece: String, _ evaluator: TemplateEvaluator) throws(CollabError) {
        try evaluator.reserve(text: piece.utf8.count)
        text += piece
    }

    mutating func write(_ value: TemplateValue, _ evaluator: TemplateEvaluator, depth: Int)
        throws(CollabError)
    {
        try evaluator.step()
        switch value {
        case .none: try append("null", evaluator)
        case .bool(let value): try append(value ? "true" : "false", evaluator)
        case .integer(let value): try append(String(value), evaluator)
        case .double(let value): try append(Self.number(value), evaluator)
        case .string(let value): try append(quoted(value), evaluator)
        case .list(let list) where list.kind == .list || list.kind == .tuple:
            try writeItems("[", "]", list.elements, evaluator, depth) {
                (writer, element) throws(CollabError) in
                try writer.write(element, evaluator, depth: depth + 1)
            }
        case .mapping(let mapping):
            var members: [(key: String, value: TemplateValue)] = []
            for (key, value) in mapping.members { members.append((try name(key, evaluator), value)) }
            if style.sortsKeys { members.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
            try writeItems("{", "}", members, evaluator, depth) { (writer, member) throws(CollabError) in
                let name = writer.quoted(member.key) + (writer.style.keySeparator ?? ": ")
                try writer.append(name, evaluator)
                try writer.write(member.value, evaluator, depth: depth + 1)
            }
        case .undefined(let name):
            throw evaluator.failure("“\(name)” is not defined, so it cannot become JSON")
        default:
            throw evaluator.failure("a \(value.typeName) cannot become JSON")
        }
    }

    private mutating func writeItems<Item>(
        _ open: String,
        _ close: String,
        _ items: [Item],
        _ evaluator: TemplateEvaluator,
        _ depth: Int,
        _ write: (inout Self, Item) throws(CollabError) -> Void
    ) throws(CollabError) {
        if items.isEmpty { return try append(open + close, evaluator) }
        try append(open, evaluator)
        for (index, item) in items.enumerated() {
            if index > 0 {
                try append(style.itemSeparator ?? (style.indentation == nil ? ", " : ","), evaluator)
            }
            try breakLine(depth + 1, evaluator)
            try write(&self, item)
        }
        try breakLine(depth, evaluator)
        try append(close, evaluator)
    }

    private mutating func breakLine(_ depth: Int, _ evaluator: TemplateEvaluator) throws(CollabError) {
        guard let indentation = style.indentation else { return }
        try evaluator.reserve(text: 1 + depth * indentation.utf8.count)
        text += "\n" + String(repeating: indentation, count: depth)
    }

    private func name(_ key: TemplateValue, _ evaluator: TemplateEvaluator) throws(CollabError) -> String {
        switch key {
        case .string(let text): return text
        case .none: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .double(let value): return Self.number(value)
        default: throw evaluator.failure("a \(key.typeName) cannot be a key of JSON")
        }
    }

    private static func number(_ value: Double) -> String {
        value.isNaN
            ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : TemplateNumber.text(value)
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            default:
                if scalar.value < 0x20 || (style.escapesNonASCII && scalar.value > 0x7E) {
                    for unit in UTF16.encode(scalar)! {
                        let hex = String(unit, radix: 16)
                        result += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
                    }
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}

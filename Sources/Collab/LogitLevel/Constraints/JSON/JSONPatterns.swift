/// The parts of JSON as patterns, each text in one spelling (RFC 8259).
///
/// In texts a character stands for itself unless it has to be escaped: quotation marks, backslashes, and controls, which
/// have their short escape if there is one. So a text has one length, and no halves of surrogate pairs.
enum JSONPatterns {
    typealias Pattern = Grammar.Pattern

    private static let controls = ScalarSet("\0"..."\u{1F}")
    private static let special = controls.union(ScalarSet("\"\\"))

    /// One character of a text, of a set.
    static func character(of set: ScalarSet) -> Pattern {
        let plain = set.subtracting(special)
        var parts: [Pattern] = plain.isEmpty ? [] : [.scalar(plain)]
        // What escapes begin with is built once: a long text has them at every character.
        var lasts: [String: String] = [:]
        for scalar in special.scalarRanges.flatMap({ $0.lowerBound.value...$0.upperBound.value })
            .compactMap(Unicode.Scalar.init) where set.contains(scalar)
        {
            let escape = escaped(scalar)
            lasts[String(escape.dropLast()), default: ""] += String(escape.suffix(1))
        }
        if !lasts.isEmpty {
            let escapes = lasts.sorted { $0.key < $1.key }.map { start, ends in
                Pattern.sequence([.text(String(start.dropFirst())), .scalar(ScalarSet(ends))])
            }
            parts.append(.sequence([.text("\\"), .choice(escapes)]))
        }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    /// Any character of a text.
    static let character = character(of: .all)

    /// A text of so many characters.
    static func text(least: Int = 0, most: Int? = nil) -> Pattern {
        quoting(.repetition(character, least: least, most: most))
    }

    /// A text whose characters follow a pattern.
    static func text(of pattern: Pattern) -> Pattern { quoting(inText(pattern)) }

    private static func quoting(_ pattern: Pattern) -> Pattern {
        .sequence([.text("\""), pattern, .text("\"")])
    }

    /// A pattern of characters as they are written within a text.
    private static func inText(_ pattern: Pattern) -> Pattern {
        switch pattern {
        case .text(let text): .text(text.unicodeScalars.map(escaped).joined())
        case .scalar(let set): character(of: set)
        case .sequence(let parts): .sequence(parts.map(inText))
        case .choice(let parts): .choice(parts.map(inText))
        case .repetition(let part, let least, let most): .repetition(inText(part), least: least, most: most)
        case .rule(let name): .rule(name)
        }
    }

    /// A text with its quotation marks.
    static func quoted(_ text: String) -> String {
        "\"" + text.unicodeScalars.map(escaped).joined() + "\""
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\u{08}": return "\\b"
        case "\u{0C}": return "\\f"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\0"..."\u{1F}":
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: return String(Character(scalar))
        }
    }

    /// A text that is none of several.
    static func text(except texts: [String]) -> Pattern {
        quoting(other(than: texts.map { Array($0.unicodeScalars)[...] }))
    }

    /// What is written within a text that is none of several, of which the beginnings have been left out.
    private static func other(than texts: [ArraySlice<Unicode.Scalar>]) -> Pattern {
        let firsts = Set(texts.compactMap(\.first))
        let others = ScalarSet(firsts.map { $0.value...$0.value }).complement
        var parts: [Pattern] = [.sequence([character(of: others), .repeated(character)])]
        if !texts.contains(where: \.isEmpty) { parts.append(.nothing) }
        for first in firsts.sorted() {
            let rest = texts.filter { $0.first == first }.map { $0.dropFirst() }
            parts.append(.sequence([character(of: ScalarSet(first...first)), other(than: rest)]))
        }
        return .choice(parts)
    }

    // MARK: Formats

    /// The expression of a format, or `nil` if it is not known.
    static func expression(ofFormat format: String) -> String? {
        // From the year 1000 on, in days that there are; no leap seconds.
        let leapYear = "([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)"
        let date = """
            ([12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)\
            |02-(0[1-9]|1[0-9]|2[0-8]))|\(leapYear)-02-29)
            """
        let time =
            "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
        let byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
        switch format {
        case "date": return date
        case "time": return time
        case "date-time": return "\(date)T\(time)"
        case "uuid": return "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
        case "ipv4": return "\(byte)\\.\(byte)\\.\(byte)\\.\(byte)"
        case "email":
            return "[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,32}){0,3}@([a-z0-9]{1,32}\\.){1,3}[a-z]{2,12}"
        default: return nil
        }
    }
}

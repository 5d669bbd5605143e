public import Collab

extension Grammar {
    /// The grammar in the form that llama.cpp calls GBNF, which vLLM reads too.
    public var backusNaurForm: String {
        let names = rules.keys.sorted()
        // Names have letters, digits and hyphens only.
        let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        func write(_ pattern: Pattern) -> String {
            switch pattern {
            case .text(let text): return "\"" + text.unicodeScalars.map(Self.escaped).joined() + "\""
            case .scalar(let set):
                let ranges = set.scalarRanges.map { range in
                    range.lowerBound == range.upperBound
                        ? Self.escaped(range.lowerBound)
                        : Self.escaped(range.lowerBound) + "-" + Self.escaped(range.upperBound)
                }
                return "[" + ranges.joined() + "]"
            case .sequence(let parts):
                return parts.isEmpty ? "\"\"" : "(" + parts.map(write).joined(separator: " ") + ")"
            case .choice(let parts): return "(" + parts.map(write).joined(separator: " | ") + ")"
            case .repetition(let part, 0, nil): return write(part) + "*"
            case .repetition(let part, 1, nil): return write(part) + "+"
            case .repetition(let part, 0, 1?): return "(" + write(part) + ")?"
            case .repetition(let part, let least, let most):
                return "(" + write(part) + "){\(least)," + (most.map { "\($0)" } ?? "") + "}"
            case .rule(let name): return "rule-\(numbers[name] ?? 0)"
            }
        }
        var lines = ["root ::= " + write(root)]
        for name in names { lines.append("rule-\(numbers[name] ?? 0) ::= " + write(rules[name] ?? .nothing)) }
        return lines.joined(separator: "\n")
    }

    /// A scalar as both texts and classes have it: letters and digits as they are, everything else by number.
    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", " ": return String(Character(scalar))
        default:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            let width = scalar.value > 0xFFFF ? 8 : 4
            let padded = String(repeating: "0", count: width - digits.count) + digits
            return (width == 8 ? "\\U" : "\\u") + padded
        }
    }
}

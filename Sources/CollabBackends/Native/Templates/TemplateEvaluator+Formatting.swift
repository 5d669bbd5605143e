import Collab

/// Python's older way of formatting text, as far as templates use it.
extension TemplateEvaluator {
    private static let widest = 10_000

    /// `'%s: %d' % values`
    func formatted(_ format: String, _ value: TemplateValue) throws(CollabError) -> String {
        var values: [TemplateValue] = [value]
        // Python holds what has elements for a mapping, of which a format need not use all.
        var allowsSurplus = false
        switch value {
        case .list(let list) where list.kind == .tuple: values = list.elements
        case .list, .mapping: allowsSurplus = true
        default: break
        }
        return try formatted(format, TemplateCall(positional: values), allowsSurplus: allowsSurplus)
    }

    /// `%`-formatting with positional values, or with named ones by `%(name)s`.
    func formatted(
        _ format: String,
        _ call: TemplateCall,
        allowsSurplus: Bool = false
    ) throws(CollabError) -> String {
        var result = ""
        var values = call.positional[...]
        var rest = format.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar != "%" {
                result.unicodeScalars.append(scalar)
                continue
            }
            var specification = TemplateFormat()
            if rest.first == "(", let close = rest.firstIndex(of: ")") {
                specification.name = String(rest[rest.index(after: rest.startIndex)..<close])
                rest = rest[rest.index(after: close)...]
            }
            specification.readFlags(&rest)
            guard let conversion = rest.popFirst() else { throw failure("a format ends in the middle") }
            if conversion == "%" {
                result += "%"
                continue
            }
            var value: TemplateValue?
            if let name = specification.name {
                try step(call.named.count / 8)
                value = call.named.first { $0.name == name }?.value
                if case .mapping(let mapping)? = call.positional.first { value = mapping[name] }
            } else {
                value = values.popFirst()
            }
            guard let value else { throw failure("a format has more places than there are values") }
            let piece = try formatted(value, specification, conversion)
            try reserve(text: result.utf8.count + piece.utf8.count)
            result += piece
        }
        guard values.isEmpty || allowsSurplus else {
            throw failure("a format has fewer places than there are values")
        }
        return result
    }

    private func formatted(
        _ value: TemplateValue,
        _ specification: TemplateFormat,
        _ conversion: Unicode.Scalar
    ) throws(CollabError) -> String {
        guard specification.width <= Self.widest, specification.precision ?? 0 <= Self.widest else {
            throw failure("a format is wider than \(Self.widest)", .unsupported)
        }
        var text: String
        switch conversion {
        case "s":
            text = try self.text(value)
            if let precision = specification.precision {
                text = String(text.unicodeScalars.prefix(precision))
            }
        case "r":
            var writer = TemplateTextWriter()
            try writer.write(value, self)
            text = writer.text
        case "d", "i", "u", "x", "X":
            guard
                let number = value.integer ?? value.double.flatMap({ Int(exactly: $0.rounded(.towardZero)) })
            else {
                throw failure("“%\(conversion)” needs a number, not a \(value.typeName)")
            }
            text = String(
                number,
                radix: conversion == "x" || conversion == "X" ? 16 : 10,
                uppercase: conversion == "X"
            )
        case "f", "F":
            guard let number = value.double else {
                throw failure("“%f” needs a number, not a \(value.typeName)")
            }
            text = TemplateNumber.fixed(number, digits: min(specification.precision ?? 6, 100))
        default:
            throw failure("the format “%\(conversion)” is not supported", .unsupported)
        }
        return specification.padded(text, isNumber: conversion != "s" && conversion != "r")
    }
}

/// The flags, width and precision of a `%` format.
private struct TemplateFormat {
    var name: String?
    var isLeft = false
    var padsZeros = false
    var hasSign = false
    var width = 0
    var precision: Int?

    mutating func readFlags(_ rest: inout Substring.UnicodeScalarView) {
        flags: while let flag = rest.first {
            switch flag {
            case "-": isLeft = true
            case "0": padsZeros = true
            case "+": hasSign = true
            case " ", "#": break
            default: break flags
            }
            rest.removeFirst()
        }
        width = readNumber(&rest) ?? 0
        if rest.first == "." {
            rest.removeFirst()
            precision = readNumber(&rest) ?? 0
        }
    }

    private func readNumber(_ rest: inout Substring.UnicodeScalarView) -> Int? {
        var number: Int?
        while let digit = rest.first, ("0"..."9").contains(digit) {
            number = min(1_000_000_000, (number ?? 0) * 10 + Int(digit.value - 48))
            rest.removeFirst()
        }
        return number
    }

    func padded(_ text: String, isNumber: Bool) -> String {
        var text = isNumber && hasSign && !text.hasPrefix("-") ? "+" + text : text
        let missing = width - text.unicodeScalars.count
        guard missing > 0 else { return text }
        if isLeft { return text + String(repeating: " ", count: missing) }
        guard padsZeros, isNumber else { return String(repeating: " ", count: missing) + text }
        let sign = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.removeFirst()) : ""
        return sign + String(repeating: "0", count: missing) + text
    }
}

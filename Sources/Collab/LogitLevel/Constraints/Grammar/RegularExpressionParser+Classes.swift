extension RegularExpressionParser {
    /// What an escape stands for.
    enum Escaped {
        case one(Unicode.Scalar)
        case set(ScalarSet)

        var set: ScalarSet {
            switch self {
            case .one(let scalar): ScalarSet(scalar...scalar)
            case .set(let set): set
            }
        }
    }

    private static let word = ScalarSet("a"..."z").union(ScalarSet("A"..."Z")).union(.digits)
        .union(ScalarSet("_"))
    private static let space = ScalarSet(" \t\n\r\u{0B}\u{0C}")

    /// Reads `[…]`.
    mutating func parseClass() throws(CollabError) -> ScalarSet {
        let start = place
        place += 1
        let isNegated = take("^")
        var set = ScalarSet([])
        var isFirst = true
        while true {
            guard let scalar = next else { throw malformed("has a “[” that is never closed", at: start) }
            // A bracket in front stands for itself.
            if scalar == "]", !isFirst { break }
            isFirst = false
            let from = place
            let low = try parseClassMember()
            if next == "-", place + 1 < scalars.count, scalars[place + 1] != "]" {
                place += 1
                let high = try parseClassMember()
                guard case .one(let low) = low, case .one(let high) = high, low <= high else {
                    throw malformed("has a range of no scalars", at: from)
                }
                set = set.union(ScalarSet(low...high))
            } else {
                set = set.union(low.set)
            }
        }
        place += 1
        let result = isNegated ? set.complement : set
        if result.isEmpty { throw malformed("has a class to which nothing belongs", at: start) }
        return result
    }

    private mutating func parseClassMember() throws(CollabError) -> Escaped {
        guard let scalar = next else { throw malformed("ends within a class") }
        if scalar == "\\" { return try parseEscape(inClass: true) }
        place += 1
        return .one(scalar)
    }

    /// Reads what a backslash begins.
    mutating func parseEscape(inClass: Bool) throws(CollabError) -> Escaped {
        let start = place
        place += 1
        guard let scalar = next else { throw malformed("ends with a backslash", at: start) }
        place += 1
        switch scalar {
        case "d": return .set(.digits)
        case "D": return .set(ScalarSet.digits.complement)
        case "w": return .set(Self.word)
        case "W": return .set(Self.word.complement)
        case "s": return .set(Self.space)
        case "S": return .set(Self.space.complement)
        case "n": return .one("\n")
        case "r": return .one("\r")
        case "t": return .one("\t")
        case "f": return .one("\u{0C}")
        case "v": return .one("\u{0B}")
        case "a": return .one("\u{07}")
        case "b" where inClass: return .one("\u{08}")
        case "0":
            if let digit = next, ("0"..."9").contains(digit) {
                throw unsupported("an octal number", at: start)
            }
            return .one("\0")
        case "x": return .one(try parseHexadecimal(2, from: start))
        case "u": return .one(try parseHexadecimal(4, from: start))
        case "U": return .one(try parseHexadecimal(8, from: start))
        case "1"..."9": throw unsupported("a reference to a group", at: start)
        case "b", "B": throw unsupported("a border of words", at: start)
        case "A", "Z", "z": throw unsupported("an anchor in the midst of text", at: start)
        case "p", "P": throw unsupported("a property of Unicode", at: start)
        case "a"..."z", "A"..."Z": throw malformed("has the unknown escape “\\\(scalar)”", at: start)
        default: return .one(scalar)
        }
    }

    private mutating func parseHexadecimal(_ count: Int, from start: Int) throws(CollabError)
        -> Unicode.Scalar
    {
        let digits = String(String.UnicodeScalarView(scalars[place..<min(place + count, scalars.count)]))
        guard digits.unicodeScalars.count == count,
            digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw malformed("has an escape that is no scalar of \(count) hexadecimal digits", at: start) }
        place += count
        return scalar
    }
}

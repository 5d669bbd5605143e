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
    private static let asciiSpace = ScalarSet(" \t\n\r\u{0B}\u{0C}")
    /// What ECMA-262 calls white space and line terminators: with every scalar of the category Zs.
    private static let wideSpace = asciiSpace.union(ScalarSet("\u{2000}"..."\u{200A}"))
        .union(ScalarSet("\u{A0}\u{1680}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}"))
    /// What `.` leaves out in ECMAScript.
    static let lineEnds = "\n\r\u{2028}\u{2029}"

    private var space: ScalarSet { dialect == .python ? Self.asciiSpace : Self.wideSpace }

    /// Reads `[…]`.
    mutating func parseClass() throws(CollabError) -> ScalarSet {
        let start = place
        place += 1
        let isNegated = take("^")
        var set = ScalarSet([])
        var isFirst = true
        while true {
            guard let scalar = next else { throw malformed("has a “[” that is never closed", at: start) }
            // In Python a bracket in front stands for itself.
            if scalar == "]", !isFirst || dialect == .ecmaScript { break }
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
        case "s": return .set(space)
        case "S": return .set(space.complement)
        case "n": return .one("\n")
        case "r": return .one("\r")
        case "t": return .one("\t")
        case "f": return .one("\u{0C}")
        case "v": return .one("\u{0B}")
        case "a" where dialect == .python: return .one("\u{07}")
        case "b" where inClass: return .one("\u{08}")
        case "0":
            if let digit = next, ("0"..."9").contains(digit) {
                throw unsupported("an octal number", at: start)
            }
            return .one("\0")
        case "x": return .one(try parseHexadecimal(2, from: start))
        case "u" where dialect == .ecmaScript: return .one(try parseUnicode(from: start))
        case "c" where dialect == .ecmaScript: return .one(try parseControl(from: start))
        case "u": return .one(try parseHexadecimal(4, from: start))
        case "U" where dialect == .python: return .one(try parseHexadecimal(8, from: start))
        case "1"..."9": throw unsupported("a reference to a group", at: start)
        case "k" where dialect == .ecmaScript: throw unsupported("a reference to a group", at: start)
        case "b", "B": throw unsupported("a border of words", at: start)
        case "A", "Z", "z": throw unsupported("an anchor that is not “^” or “$”", at: start)
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

    /// Reads `\uXXXX`, a pair of surrogates so written, or `\u{…}`, behind the letter.
    private mutating func parseUnicode(from start: Int) throws(CollabError) -> Unicode.Scalar {
        if take("{") {
            var end = place
            while end < scalars.count, scalars[end] != "}" { end += 1 }
            let digits = String(String.UnicodeScalarView(scalars[place..<end]))
            guard end < scalars.count, digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16),
                let scalar = Unicode.Scalar(value)
            else { throw malformed("has an escape that is no scalar", at: start) }
            place = end + 1
            return scalar
        }
        func unit(at place: Int) -> UInt32? {
            guard place + 4 <= scalars.count else { return nil }
            let digits = String(String.UnicodeScalarView(scalars[place..<place + 4]))
            return digits.allSatisfy(\.isHexDigit) ? UInt32(digits, radix: 16) : nil
        }
        if let high = unit(at: place), (0xD800...0xDBFF).contains(high),
            scalars[(place + 4)...].starts(with: ["\\", "u"]),
            let low = unit(at: place + 6), (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        {
            place += 10
            return scalar
        }
        return try parseHexadecimal(4, from: start)
    }

    /// Reads the letter of `\cX`.
    private mutating func parseControl(from start: Int) throws(CollabError) -> Unicode.Scalar {
        guard let letter = next, ("a"..."z").contains(letter) || ("A"..."Z").contains(letter),
            let scalar = Unicode.Scalar(letter.value % 32)
        else { throw malformed("has a control of no letter", at: start) }
        place += 1
        return scalar
    }
}

extension PreTokenizer {
    /// What the expressions that look at case tell letters and marks apart by.
    private struct Case: OptionSet {
        let rawValue: UInt8
        /// `\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}`
        static let upper = Case(rawValue: 1)
        /// `\p{Ll}\p{Lm}\p{Lo}\p{M}`
        static let lower = Case(rawValue: 2)

        @inline(__always)
        init(rawValue: UInt8) { self.rawValue = rawValue }

        init(_ scalar: Unicode.Scalar) {
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .titlecaseLetter: self = .upper
            case .lowercaseLetter: self = .lower
            case .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark, .enclosingMark:
                self = [.upper, .lower]
            default: self = []
            }
        }
    }

    /// With U for `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` and L for `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`:
    /// `[^\r\n\p{L}\p{N}]?U*L+`, `[^\r\n\p{L}\p{N}]?U+L*`, `\p{N}{1,digits}`, ` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
    /// `\s*[\r\n]+`, `\s+(?!\S)`, `\s+`; the first two with a contraction behind where those are kept.
    func endOfCasedWord(from start: Int, _ reader: ScalarReader, digits: Int, keepsContractions: Bool) -> Int
    {
        let (first, width) = reader.character(at: start)
        let second = start + width
        let lead = reader.text[start]
        if first != .number {
            // A mark may be the lead of a word or belong to it; as the lead it is tried first.
            let canLead = first != .letter && lead != Self.newline && lead != Self.carriageReturn
            let word =
                (canLead && second < reader.end ? Self.endOfLowerWord(from: second, reader) : nil)
                ?? Self.endOfLowerWord(from: start, reader)
                ?? (canLead && second < reader.end ? Self.endOfUpperWord(from: second, reader) : nil)
                ?? Self.endOfUpperWord(from: start, reader)
            if let word {
                guard keepsContractions, word < reader.end else { return word }
                return Self.endOfContraction(from: word, reader, ignoringCase: true) ?? word
            }
        }
        if first == .number {
            var end = second
            for _ in 1..<max(digits, 1) where end < reader.end {
                let (next, width) = reader.character(at: end)
                if next != .number { break }
                end += width
            }
            return end
        }
        if first == .other { return Self.endOfSlashedSymbols(from: start, reader) }
        if lead == Self.space, second < reader.end, reader.character(at: second).class == .other {
            return Self.endOfSlashedSymbols(from: second, reader)
        }
        return Self.endOfLines(from: start, reader)
            ?? Self.endOfWhitespace(from: start, reader, endsAtNumbers: false)
    }

    /// `U*L+`: the longest run of U that leaves something for L, then L.
    private static func endOfLowerWord(from start: Int, _ reader: ScalarReader) -> Int? {
        var end = start
        // Where the last character begins that belongs to both.
        var lastOfBoth: Int?
        while end < reader.end {
            let (kind, width) = kind(at: end, reader)
            if !kind.contains(.upper) { break }
            if kind.contains(.lower) { lastOfBoth = end }
            end += width
        }
        let afterUpper = endOfLower(from: end, reader)
        if afterUpper > end { return afterUpper }
        return lastOfBoth.map { endOfLower(from: $0, reader) }
    }

    /// `U+L*`, where `U*L+` has failed: a run of U.
    private static func endOfUpperWord(from start: Int, _ reader: ScalarReader) -> Int? {
        var end = start
        while end < reader.end {
            let (kind, width) = kind(at: end, reader)
            if !kind.contains(.upper) { break }
            end += width
        }
        return end > start ? endOfLower(from: end, reader) : nil
    }

    private static func endOfLower(from start: Int, _ reader: ScalarReader) -> Int {
        var end = start
        while end < reader.end {
            let (kind, width) = kind(at: end, reader)
            if !kind.contains(.lower) { break }
            end += width
        }
        return end
    }

    @inline(__always)
    private static func kind(at index: Int, _ reader: ScalarReader) -> (Case, Int) {
        let byte = reader.text[index]
        switch byte {
        case 0x41...0x5A: return (.upper, 1)
        case 0x61...0x7A: return (.lower, 1)
        case 0..<0x80: return ([], 1)
        default:
            let scalar = reader.scalar(at: index)
            return (Case(scalar), UTF8.width(scalar))
        }
    }

    /// `[^\s\p{L}\p{N}]+[\r\n/]*`
    private static func endOfSlashedSymbols(from start: Int, _ reader: ScalarReader) -> Int {
        var end = reader.endOfRun(.other, from: start)
        while end < reader.end {
            let byte = reader.text[end]
            guard byte == newline || byte == carriageReturn || byte == UInt8(ascii: "/") else { break }
            end += 1
        }
        return end
    }
}

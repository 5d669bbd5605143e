/// A set of characters that text is cut at.
struct ScalarSet: Sendable {
    private let ascii: [Bool]
    private let hasMember: @Sendable (Unicode.Scalar) -> Bool

    private init(_ hasMember: @escaping @Sendable (Unicode.Scalar) -> Bool) {
        self.hasMember = hasMember
        ascii = (0..<128).map { hasMember(Unicode.Scalar(UInt8($0))) }
    }

    /// Whether a character is in the set.
    @inline(__always)
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 128 ? ascii[Int(scalar.value)] : hasMember(scalar)
    }

    /// Whether the character at a place of a text is in the set, and how many bytes it has.
    @inline(__always)
    func contains(at index: Int, _ reader: ScalarReader) -> (isMember: Bool, width: Int) {
        let byte = reader.text[index]
        if byte < 0x80 { return (ascii[Int(byte)], 1) }
        let scalar = reader.scalar(at: index)
        return (hasMember(scalar), UTF8.width(scalar))
    }

    /// Unicode's property White_Space.
    static let whitespace = ScalarSet { ScalarClass($0) == .whitespace }
    /// Unicode's general categories N*.
    static let numbers = ScalarSet { ScalarClass($0) == .number }
    /// The space alone.
    static let spaces = ScalarSet { $0 == " " }
    /// CR and LF.
    static let lineBreaks = ScalarSet { $0 == "\r" || $0 == "\n" }
    /// Unicode's general categories P*, and all ASCII characters that print and are no letters or digits.
    static let punctuation = ScalarSet { scalar in
        switch scalar.value {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
        default: break
        }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }
    /// What regular expressions call `\w`: alphabetic characters, marks, decimal digits, connectors, joiners.
    ///
    /// Source: Unicode Technical Standard 18, Annex C.
    static let wordCharacters = ScalarSet { scalar in
        if scalar.value < 128 {
            switch scalar.value {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: return true
            default: return false
            }
        }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return scalar.properties.isAlphabetic || scalar.properties.isJoinControl
        }
    }
}

extension ScalarReader {
    /// Where the character after the one at a place begins.
    @inline(__always)
    func place(after index: Int) -> Int {
        let byte = text[index]
        return byte < 0x80 ? index + 1 : index + UTF8.width(scalar(at: index))
    }
}

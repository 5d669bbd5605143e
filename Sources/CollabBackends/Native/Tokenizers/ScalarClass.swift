/// What pre-tokenisation tells characters apart by.
enum ScalarClass: UInt8, Sendable {
    /// Unicode's general categories L*.
    case letter
    /// Unicode's general categories N*.
    case number
    /// Unicode's property White_Space.
    case whitespace
    /// Everything else: punctuation, symbols, marks, controls.
    case other

    init(_ scalar: Unicode.Scalar) {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            self = .letter
        case .decimalNumber, .letterNumber, .otherNumber: self = .number
        case .spaceSeparator, .lineSeparator, .paragraphSeparator: self = .whitespace
        case .control: self = (9...13).contains(scalar.value) || scalar.value == 0x85 ? .whitespace : .other
        default: self = .other
        }
    }

    /// The class of every ASCII character.
    static let ascii: [ScalarClass] = (0..<128).map { ScalarClass(Unicode.Scalar(UInt8($0))) }
}

/// Reads characters out of a stretch of UTF-8.
struct ScalarReader {
    /// The text; valid UTF-8 wherever a stretch begins and ends.
    let text: UnsafeBufferPointer<UInt8>
    /// Where the stretch ends.
    let end: Int
    /// ``ScalarClass/ascii``.
    let ascii: UnsafeBufferPointer<ScalarClass>

    /// Class and width of the character at a place before ``end``.
    @inline(__always)
    func character(at index: Int) -> (class: ScalarClass, width: Int) {
        let byte = text[index]
        return byte < 0x80 ? (ascii[Int(byte)], 1) : wideCharacter(at: index)
    }

    private func wideCharacter(at index: Int) -> (class: ScalarClass, width: Int) {
        let scalar = scalar(at: index)
        return (ScalarClass(scalar), UTF8.width(scalar))
    }

    /// The character at a place.
    func scalar(at index: Int) -> Unicode.Scalar {
        let lead = UInt32(text[index])
        func trail(_ offset: Int) -> UInt32 {
            index + offset < end ? UInt32(text[index + offset] & 0x3F) : 0
        }
        let value: UInt32 =
            switch lead {
            case 0xC0..<0xE0: (lead & 0x1F) << 6 | trail(1)
            case 0xE0..<0xF0: (lead & 0x0F) << 12 | trail(1) << 6 | trail(2)
            case 0xF0...: (lead & 0x07) << 18 | trail(1) << 12 | trail(2) << 6 | trail(3)
            default: lead
            }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    /// The first place from `index` on whose character is of another class.
    @inline(__always)
    func endOfRun(_ wanted: ScalarClass, from index: Int) -> Int {
        var index = index
        while index < end {
            let (found, width) = character(at: index)
            if found != wanted { break }
            index += width
        }
        return index
    }
}

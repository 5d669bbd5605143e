/// How text is rewritten before it is cut.
indirect enum TextNormaliser: Sendable {
    /// One after another.
    case sequence([TextNormaliser])
    /// A normalisation form of Unicode.
    case form(UnicodeForm)
    /// Lower case, character by character.
    case lowercase
    /// A text put before every text that is not empty.
    case prepend([UInt8])
    /// Matches of a pattern become a text.
    case replace(SplitPattern, with: [UInt8])
    /// White space goes from the ends.
    case strip(left: Bool, right: Bool)
    /// Marks go.
    case stripAccents
    /// What SentencePiece was trained with.
    case charsmap(PrecompiledCharsmap)
    /// What BERT was trained with.
    case bert(BERTNormaliser)

    /// Rewrites a text.
    ///
    /// - Parameter isContinuation: whether the text goes on with another: then nothing is put in front of it, and white
    ///   space at its beginning is no end of a text.
    func apply(to text: inout [UInt8], isContinuation: Bool = false) {
        switch self {
        case .sequence(let normalisers):
            for normaliser in normalisers { normaliser.apply(to: &text, isContinuation: isContinuation) }
        case .form(let form): form.apply(to: &text)
        case .lowercase: text.mapScalars { $0.appendLowercase(to: &$1) }
        case .prepend(let prefix):
            if !text.isEmpty, !isContinuation { text.insert(contentsOf: prefix, at: 0) }
        case .replace(let pattern, let replacement): Self.replace(pattern, replacement, in: &text)
        case .strip(let left, let right): Self.strip(left && !isContinuation, right, &text)
        case .stripAccents:
            text.mapScalars { scalar, output in
                switch scalar.properties.generalCategory {
                case .nonspacingMark, .spacingMark, .enclosingMark: break
                default: output.append(contentsOf: UTF8.encode(scalar)!)
                }
            }
        case .charsmap(let map): map.apply(to: &text)
        case .bert(let bert): bert.apply(to: &text)
        }
    }

    private static func replace(_ pattern: SplitPattern, _ replacement: [UInt8], in text: inout [UInt8]) {
        var output: [UInt8] = []
        output.reserveCapacity(text.count + text.count / 8)
        text.withUnsafeBufferPointer { text in
            ScalarClass.ascii.withUnsafeBufferPointer { ascii in
                let reader = ScalarReader(text: text, end: text.count, ascii: ascii)
                pattern.forEachSegment(of: 0..<text.count, reader) { range, isMatch in
                    if isMatch {
                        output.append(contentsOf: replacement)
                    } else {
                        output.append(contentsOf: text[range])
                    }
                }
            }
        }
        text = output
    }

    private static func strip(_ left: Bool, _ right: Bool, _ text: inout [UInt8]) {
        var scalars = Substring(decoding: text, as: UTF8.self).unicodeScalars
        if left { scalars = scalars.drop(while: ScalarSet.whitespace.contains) }
        if right {
            while let last = scalars.last, ScalarSet.whitespace.contains(last) { scalars.removeLast() }
        }
        text = Array(Substring(scalars).utf8)
    }
}

extension [UInt8] {
    /// Rewrites every character.
    mutating func mapScalars(_ body: (Unicode.Scalar, inout [UInt8]) -> Void) {
        var output: [UInt8] = []
        output.reserveCapacity(count + count / 8)
        withUnsafeBufferPointer { text in
            ScalarClass.ascii.withUnsafeBufferPointer { ascii in
                let reader = ScalarReader(text: text, end: text.count, ascii: ascii)
                var index = 0
                while index < text.count {
                    let byte = text[index]
                    let scalar = byte < 0x80 ? Unicode.Scalar(byte) : reader.scalar(at: index)
                    body(scalar, &output)
                    index += byte < 0x80 ? 1 : UTF8.width(scalar)
                }
            }
        }
        self = output
    }
}

extension Unicode.Scalar {
    /// Appends the character in lower case, regardless of what is beside it.
    func appendLowercase(to output: inout [UInt8]) {
        switch value {
        case 0x41...0x5A: output.append(UInt8(value) | 0x20)
        case 0..<0x80: output.append(UInt8(value))
        default: output.append(contentsOf: properties.lowercaseMapping.utf8)
        }
    }
}

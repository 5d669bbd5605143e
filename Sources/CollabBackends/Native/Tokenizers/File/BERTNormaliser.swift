/// What BERT does to text before it is cut: control characters go, white space becomes spaces, Chinese characters
/// stand alone, accents and case go.
///
/// Source: J. Devlin et al., *BERT*, 2019, and the tokenizer published with it.
struct BERTNormaliser: Sendable {
    /// Whether control characters go and white space becomes spaces.
    var cleansText: Bool
    /// Whether spaces are put around Chinese characters.
    var partsChinese: Bool
    /// Whether text is decomposed and its non-spacing marks go.
    var stripsAccents: Bool
    /// Whether text becomes lower case.
    var lowercases: Bool

    func apply(to text: inout [UInt8]) {
        if cleansText || partsChinese {
            text.mapScalars { scalar, output in
                if cleansText {
                    if Self.isDropped(scalar) { return }
                    if ScalarSet.whitespace.contains(scalar) { return output.append(UInt8(ascii: " ")) }
                }
                if scalar.value < 0x80 { return output.append(UInt8(scalar.value)) }
                let isAlone = partsChinese && Self.isChinese(scalar)
                if isAlone { output.append(UInt8(ascii: " ")) }
                output.append(contentsOf: UTF8.encode(scalar)!)
                if isAlone { output.append(UInt8(ascii: " ")) }
            }
        }
        if stripsAccents {
            UnicodeForm.nfd.apply(to: &text)
            if text.contains(where: { $0 >= 0x80 }) {
                text.mapScalars { scalar, output in
                    if scalar.value < 0x80 { return output.append(UInt8(scalar.value)) }
                    if scalar.properties.generalCategory == .nonspacingMark { return }
                    output.append(contentsOf: UTF8.encode(scalar)!)
                }
            }
        }
        if lowercases { text.mapScalars { $0.appendLowercase(to: &$1) } }
    }

    private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: return false
        case 0x20..<0x7F: return false
        case 0, 0xFFFD: return true
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse: return true
        default: return false
        }
    }

    /// The blocks that BERT's tokenizer lists; the gap from U+2B820 to U+2B91F is as published implementations have it.
    private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
            0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
            return true
        default: return false
        }
    }
}

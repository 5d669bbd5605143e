/// Text as the bytes of its UTF-8, for searching and cutting as Python does: by code points, never by graphemes.
///
/// UTF-8 lets whole characters be found by comparing bytes.
struct TemplateText {
    var bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Where `wanted` lies first.
    func find(_ wanted: TemplateText) -> Int? {
        guard wanted.bytes.count <= bytes.count else { return nil }
        return TemplateSearch(wanted.bytes).end(in: bytes).map { $0 - wanted.bytes.count }
    }

    /// Where `wanted` lies last.
    func findLast(_ wanted: TemplateText) -> Int? {
        guard wanted.bytes.count <= bytes.count else { return nil }
        return TemplateSearch(wanted.bytes.reversed()).end(in: bytes.reversed()).map { bytes.count - $0 }
    }

    func contains(_ wanted: TemplateText) -> Bool { find(wanted) != nil }

    /// How many code points lie before a byte.
    func position(ofByte index: Int) -> Int {
        bytes[..<index].reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }

    /// The byte at which a code point begins; the end where there are fewer.
    func byte(ofPosition position: Int) -> Int {
        var left = position
        for (index, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
            if left == 0 { return index }
            left -= 1
        }
        return bytes.count
    }
}

extension String {
    /// The text without these characters at its ends; spaces where none are named.
    func templateStripped(_ characters: String?, left: Bool = true, right: Bool = true) -> String {
        let set = characters.map { Set($0.unicodeScalars) }
        func isStripped(_ scalar: Unicode.Scalar) -> Bool { set?.contains(scalar) ?? scalar.isTemplateSpace }
        var rest = unicodeScalars[...]
        if left { rest = rest.drop(while: isStripped) }
        if right { while let last = rest.last, isStripped(last) { rest.removeLast() } }
        return String(rest)
    }
}

extension TemplateText {
    func hasSuffix(_ other: TemplateText) -> Bool {
        bytes.count >= other.bytes.count && bytes.suffix(other.bytes.count).elementsEqual(other.bytes)
    }

    /// Where another text, which is not empty, occurs, without overlaps, at most `limit` times.
    func ranges(of wanted: TemplateText, limit: Int?) -> [Range<Int>] {
        guard wanted.bytes.count <= bytes.count else { return [] }
        let search = TemplateSearch(wanted.bytes)
        var ranges: [Range<Int>] = []
        var start = 0
        while ranges.count < limit ?? .max, let length = search.end(in: bytes[start...]) {
            ranges.append((start + length - wanted.bytes.count)..<(start + length))
            start += length
        }
        return ranges
    }

    /// The same from the end on.
    private func lastRanges(of wanted: TemplateText, limit: Int?) -> [Range<Int>] {
        guard wanted.bytes.count <= bytes.count else { return [] }
        let search = TemplateSearch(wanted.bytes.reversed())
        var ranges: [Range<Int>] = []
        var end = bytes.count
        while ranges.count < limit ?? .max, let length = search.end(in: bytes[..<end].reversed()) {
            ranges.append((end - length)..<(end - length + wanted.bytes.count))
            end -= length
        }
        return ranges.reversed()
    }

    /// The parts between separators.
    func split(_ separator: TemplateText, limit: Int?, fromEnd: Bool) -> [String] {
        let cuts =
            fromEnd ? lastRanges(of: separator, limit: limit) : ranges(of: separator, limit: limit)
        var parts: [String] = []
        var start = 0
        for cut in cuts {
            parts.append(TemplateText(bytes[start..<cut.lowerBound]).string)
            start = cut.upperBound
        }
        parts.append(TemplateText(bytes[start...]).string)
        return parts
    }
}

extension String {
    /// The parts between runs of space; what is left over by `limit` stays together.
    func templateWords(limit: Int?, fromEnd: Bool) -> [String] {
        let scalars = unicodeScalars
        var words: [Range<String.Index>] = []
        var start: String.Index?
        for index in scalars.indices {
            if scalars[index].isTemplateSpace {
                if let begun = start { words.append(begun..<index) }
                start = nil
            } else if start == nil {
                start = index
            }
        }
        if let begun = start { words.append(begun..<scalars.endIndex) }
        guard let limit, words.count > limit else { return words.map { String(scalars[$0]) } }
        if fromEnd {
            let kept = words.suffix(limit)
            let rest = scalars[..<words[words.count - limit - 1].upperBound]
            return [String(rest)] + kept.map { String(scalars[$0]) }
        }
        let rest = String(scalars[words[limit].lowerBound...])
        return words.prefix(limit).map { String(scalars[$0]) } + [rest]
    }

    /// The lines, as Python's `str.splitlines` has them.
    func templateLines(keepingEnds keepsEnds: Bool) -> [String] {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        var isOpen = false
        for scalar in unicodeScalars {
            defer { previous = scalar }
            if previous == "\r", scalar == "\n" {
                if keepsEnds, let last = lines.popLast() { lines.append(last + "\n") }
                continue
            }
            isOpen = true
            switch scalar {
            case "\n", "\r", "\u{B}", "\u{C}", "\u{1C}", "\u{1D}", "\u{1E}", "\u{85}", "\u{2028}", "\u{2029}":
                if keepsEnds { line.append(scalar) }
                lines.append(String(line))
                line = .init()
                isOpen = false
            default: line.append(scalar)
            }
        }
        if isOpen { lines.append(String(line)) }
        return lines
    }

    /// The first character large, the others small.
    var templateCapitalized: String {
        guard let first = unicodeScalars.first else { return self }
        return first.properties.titlecaseMapping + String(unicodeScalars.dropFirst()).lowercased()
    }

    /// Small letters large and large ones small, as Python's `str.swapcase`.
    var templateCasesSwapped: String {
        unicodeScalars.reduce(into: "") { result, scalar in
            let properties = scalar.properties
            result += properties.isUppercase ? properties.lowercaseMapping : properties.uppercaseMapping
        }
    }

    /// Every letter that follows no letter large, the others small, as Python's `str.title`.
    var templateTitlecased: String {
        var result = ""
        var followsLetter = false
        for scalar in unicodeScalars {
            result += followsLetter ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
            followsLetter = scalar.properties.isCased
        }
        return result
    }

    /// Python's `isdigit` and the like.
    func satisfies(_ test: String) -> Bool {
        let scalars = unicodeScalars
        let isCased = scalars.contains { $0.properties.isLowercase || $0.properties.isUppercase }
        switch test {
        case "islower": return isCased && !scalars.contains { $0.properties.isUppercase }
        case "isupper": return isCased && !scalars.contains { $0.properties.isLowercase }
        case "istitle": return isCased && hasSameUTF8(self, templateTitlecased)
        case "isspace": return !isEmpty && scalars.allSatisfy(\.isTemplateSpace)
        case "isalpha": return !isEmpty && scalars.allSatisfy { ScalarClass($0) == .letter }
        case "isalnum":
            return !isEmpty
                && scalars.allSatisfy { ScalarClass($0) == .letter || $0.properties.numericType != nil }
        case "isdecimal": return !isEmpty && scalars.allSatisfy { $0.properties.numericType == .decimal }
        case "isdigit":
            return !isEmpty
                && scalars.allSatisfy {
                    $0.properties.numericType == .decimal || $0.properties.numericType == .digit
                }
        case "isnumeric": return !isEmpty && scalars.allSatisfy { $0.properties.numericType != nil }
        default: return false
        }
    }
}

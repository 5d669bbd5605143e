/// Text as the bytes of its UTF-8, for searching and cutting as Python does: by code points, never by graphemes.
///
/// UTF-8 lets whole characters be found by comparing bytes.
struct TemplateText {
    var bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Where `wanted` lies, looking from `start` on.
    func find(_ wanted: TemplateText, from start: Int = 0) -> Int? {
        let count = wanted.bytes.count
        guard count <= bytes.count else { return nil }
        guard count > 0 else { return start <= bytes.count ? start : nil }
        var index = start
        let first = wanted.bytes[0]
        while index + count <= bytes.count {
            if bytes[index] == first, bytes[index..<(index + count)].elementsEqual(wanted.bytes) {
                return index
            }
            index += 1
        }
        return nil
    }

    /// Where `wanted` lies last.
    func findLast(_ wanted: TemplateText, before end: Int? = nil) -> Int? {
        var index = (end ?? bytes.count) - wanted.bytes.count
        while index >= 0 {
            if bytes[index..<(index + wanted.bytes.count)].elementsEqual(wanted.bytes) { return index }
            index -= 1
        }
        return nil
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

    /// Where another text occurs, without overlaps, at most `limit` times.
    func ranges(of wanted: TemplateText, limit: Int?) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        while ranges.count < limit ?? .max, let found = find(wanted, from: start) {
            ranges.append(found..<(found + wanted.bytes.count))
            start = found + wanted.bytes.count
        }
        return ranges
    }

    /// The parts between separators.
    func split(_ separator: TemplateText, limit: Int?, fromEnd: Bool) -> [String] {
        var cuts = ranges(of: separator, limit: fromEnd ? nil : limit)
        if fromEnd {
            cuts = []
            var end = bytes.count
            while cuts.count < limit ?? .max, let found = findLast(separator, before: end) {
                cuts.insert(found..<(found + separator.bytes.count), at: 0)
                end = found
            }
        }
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

    /// The first character large, the others small.
    var templateCapitalized: String {
        guard let first = unicodeScalars.first else { return self }
        return first.properties.titlecaseMapping + String(unicodeScalars.dropFirst()).lowercased()
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

/// Cuts text into the words that byte-pair merging may not cross.
///
/// Vocabularies define this by regular expressions; here each is a hand-written scan over Unicode scalars, which is
/// linear in the text and cannot backtrack.
enum PreTokenizer: String, Sendable, CaseIterable {
    /// GPT-2: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    case gpt2
    /// GPT-2's expression on what is left after every single `\p{N}` has been set apart (SmolLM, StarCoder).
    case smollm
    /// Llama 3: contractions in either case, `[^\r\n\p{L}\p{N}]?\p{L}+`, `\p{N}{1,3}`,
    /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`, `\s*[\r\n]+`, `\s+(?!\S)`, `\s+`.
    case llama3
    /// Qwen 2: as Llama 3, but every digit by itself.
    case qwen2
    /// Mistral's Tekken: words are also cut where a lower-case letter is followed by an upper-case one, marks belong to
    /// words, digits stand alone, and `/` may follow symbols.
    case tekken
    /// GPT-4o, Phi-4: as Tekken, but up to three digits together, and contractions stay with their word.
    case o200k

    /// Where the word that begins at `start` ends.
    @inline(__always)
    func endOfWord(from start: Int, _ reader: ScalarReader) -> Int {
        switch self {
        case .gpt2: Self.endOfGPT2Word(from: start, reader, digitsApart: false)
        case .smollm: Self.endOfGPT2Word(from: start, reader, digitsApart: true)
        case .llama3: Self.endOfLlama3Word(from: start, reader, digits: 3)
        case .qwen2: Self.endOfLlama3Word(from: start, reader, digits: 1)
        case .tekken: endOfCasedWord(from: start, reader, digits: 1, keepsContractions: false)
        case .o200k: endOfCasedWord(from: start, reader, digits: 3, keepsContractions: true)
        }
    }

    private static func endOfGPT2Word(from start: Int, _ reader: ScalarReader, digitsApart: Bool) -> Int {
        let (first, width) = reader.character(at: start)
        if digitsApart, first == .number { return start + width }
        if let end = endOfContraction(from: start, reader, ignoringCase: false) { return end }
        if first != .whitespace { return reader.endOfRun(first, from: start) }
        if reader.text[start] == space, start + 1 < reader.end {
            let next = reader.character(at: start + 1).class
            if next != .whitespace, !(digitsApart && next == .number) {
                return reader.endOfRun(next, from: start + 1)
            }
        }
        return endOfWhitespace(from: start, reader, endsAtNumbers: digitsApart)
    }

    private static func endOfLlama3Word(from start: Int, _ reader: ScalarReader, digits: Int) -> Int {
        if let end = endOfContraction(from: start, reader, ignoringCase: true) { return end }
        let (first, width) = reader.character(at: start)
        let second = start + width
        let lead = reader.text[start]
        switch first {
        case .letter:
            return reader.endOfRun(.letter, from: second)
        case .number:
            var end = second
            for _ in 1..<max(digits, 1) where end < reader.end {
                let (next, width) = reader.character(at: end)
                if next != .number { break }
                end += width
            }
            return end
        case .other, .whitespace:
            if lead != carriageReturn, lead != newline, second < reader.end {
                let next = reader.character(at: second).class
                if next == .letter { return reader.endOfRun(.letter, from: second) }
                if lead == space, next == .other { return endOfSymbols(from: second, reader) }
            }
            if first == .other { return endOfSymbols(from: start, reader) }
            return endOfLines(from: start, reader)
                ?? endOfWhitespace(from: start, reader, endsAtNumbers: false)
        }
    }

    static let space = UInt8(ascii: " ")
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")

    /// `'s`, `'t`, `'m`, `'d`, `'re`, `'ve` or `'ll`.
    @inline(__always)
    static func endOfContraction(from start: Int, _ reader: ScalarReader, ignoringCase: Bool) -> Int? {
        guard reader.text[start] == UInt8(ascii: "'"), start + 1 < reader.end else { return nil }
        let fold: UInt8 = ignoringCase ? 0x20 : 0
        let first = reader.text[start + 1] | fold
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"), UInt8(ascii: "l"):
            guard start + 2 < reader.end else { return nil }
            let second = reader.text[start + 2] | fold
            return second == (first == UInt8(ascii: "l") ? first : UInt8(ascii: "e")) ? start + 3 : nil
        case 0xC5 | fold where ignoringCase:
            // The long s, `ſ`, is an s in another case.
            let isLongS =
                start + 2 < reader.end && reader.text[start + 1] == 0xC5 && reader.text[start + 2] == 0xBF
            return isLongS ? start + 3 : nil
        default: return nil
        }
    }

    /// `[^\s\p{L}\p{N}]+[\r\n]*`
    private static func endOfSymbols(from start: Int, _ reader: ScalarReader) -> Int {
        var end = reader.endOfRun(.other, from: start)
        while end < reader.end, reader.text[end] == newline || reader.text[end] == carriageReturn { end += 1 }
        return end
    }

    /// `\s*[\r\n]+`: up to the last line break of a run of whitespace, if there is one.
    static func endOfLines(from start: Int, _ reader: ScalarReader) -> Int? {
        var end = reader.endOfRun(.whitespace, from: start)
        while end > start {
            if reader.text[end - 1] == newline || reader.text[end - 1] == carriageReturn { return end }
            end -= 1
        }
        return nil
    }

    /// `\s+(?!\S)|\s+`: a run of whitespace; its last character is left to a word that follows.
    static func endOfWhitespace(from start: Int, _ reader: ScalarReader, endsAtNumbers: Bool) -> Int {
        var end = start
        var last = start
        while end < reader.end {
            let (next, width) = reader.character(at: end)
            if next != .whitespace {
                let isFollowed = !(endsAtNumbers && next == .number)
                return isFollowed && last > start ? last : end
            }
            last = end
            end += width
        }
        return end
    }
}

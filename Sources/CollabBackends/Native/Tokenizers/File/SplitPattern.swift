/// What text is cut at.
///
/// Files name regular expressions; those that are in use are recognised by their spelling and each is a scan that is
/// linear in the text. Any other is refused when the file is read.
enum SplitPattern: Sendable {
    /// The words of a byte-level vocabulary's expression; every character is part of one.
    case words(PreTokenizer)
    /// A text.
    case literal([UInt8])
    /// Each character of a set.
    case characters(ScalarSet)
    /// Runs of characters of a set, none longer than a limit.
    case runs(ScalarSet, atLeast: Int, atMost: Int)
    /// `\w+|[^\w\s]+`
    case wordsAndSymbols

    /// The regular expressions that are known, by their spelling.
    static let expressions: [String: SplitPattern] = {
        let contractions = "'s|'t|'re|'ve|'m|'ll|'d"
        let spaces = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
        let symbols = #" ?[^\s\p{L}\p{N}]+[\r\n]*"#
        let slashed = #" ?[^\s\p{L}\p{N}]+[\r\n/]*"#
        let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
        let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
        let lead = #"[^\r\n\p{L}\p{N}]?"#
        func cased(_ digits: String, _ suffix: String) -> String {
            "\(lead)\(upper)*\(lower)+\(suffix)|\(lead)\(upper)+\(lower)*\(suffix)|\(digits)|\(slashed)|\(spaces)"
        }
        return [
            #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .words(.gpt2),
            #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .words(.gpt2),
            "(?i:\(contractions))|\(lead)\\p{L}+|\\p{N}{1,3}|\(symbols)|\(spaces)": .words(.llama3),
            "(?i:\(contractions))|\(lead)\\p{L}+|\\p{N}|\(symbols)|\(spaces)": .words(.qwen2),
            cased(#"\p{N}"#, ""): .words(.tekken),
            cased(#"\p{N}{1,3}"#, "(?i:\(contractions))?"): .words(.o200k),
            #"\p{N}{1,3}"#: .runs(.numbers, atLeast: 1, atMost: 3),
            #"\p{N}"#: .characters(.numbers),
            #"\s+"#: .runs(.whitespace, atLeast: 1, atMost: .max),
            #"\s"#: .characters(.whitespace),
            " {2,}": .runs(.spaces, atLeast: 2, atMost: .max),
            " +": .runs(.spaces, atLeast: 1, atMost: .max),
            "[\r\n]": .characters(.lineBreaks),
            #"[\r\n]"#: .characters(.lineBreaks),
            #"\w+|[^\w\s]+"#: .wordsAndSymbols,
        ]
    }()

    /// Cuts a stretch of text into matches and what lies between them, in order.
    func forEachSegment(of range: Range<Int>, _ reader: ScalarReader, _ body: (Range<Int>, Bool) -> Void) {
        switch self {
        case .words(let words):
            var start = range.lowerBound
            while start < range.upperBound {
                let end = words.endOfWord(from: start, reader)
                body(start..<end, true)
                start = end
            }
        case .literal(let literal):
            scan(range, body) { start in
                guard range.upperBound - start >= literal.count else { return nil }
                for index in literal.indices where reader.text[start + index] != literal[index] { return nil }
                return start + literal.count
            } skip: {
                $0 + 1
            }
        case .characters(let set):
            scan(range, body) { start in
                let (isMember, width) = set.contains(at: start, reader)
                return isMember ? start + width : nil
            } skip: {
                reader.place(after: $0)
            }
        case .runs(let set, let least, let most):
            scan(range, body) { start in
                var end = start
                var count = 0
                while end < range.upperBound, count < most {
                    let (isMember, width) = set.contains(at: end, reader)
                    if !isMember { break }
                    end += width
                    count += 1
                }
                return count >= least ? end : nil
            } skip: {
                reader.place(after: $0)
            }
        case .wordsAndSymbols:
            scan(range, body) { start in
                let (isSpace, _) = ScalarSet.whitespace.contains(at: start, reader)
                if isSpace { return nil }
                let (isWord, width) = ScalarSet.wordCharacters.contains(at: start, reader)
                var end = start + width
                while end < range.upperBound {
                    let (isAlsoWord, width) = ScalarSet.wordCharacters.contains(at: end, reader)
                    if isAlsoWord != isWord { break }
                    if !isWord, ScalarSet.whitespace.contains(at: end, reader).isMember { break }
                    end += width
                }
                return end
            } skip: {
                reader.place(after: $0)
            }
        }
    }

    /// Goes through a stretch; `match` gives where a match that begins at a place ends, `skip` the next place.
    @inline(__always)
    private func scan(
        _ range: Range<Int>,
        _ body: (Range<Int>, Bool) -> Void,
        match: (Int) -> Int?,
        skip: (Int) -> Int
    ) {
        var plain = range.lowerBound
        var position = plain
        while position < range.upperBound {
            guard let end = match(position) else {
                position = skip(position)
                continue
            }
            if plain < position { body(plain..<position, false) }
            body(position..<end, true)
            position = end
            plain = end
        }
        if plain < range.upperBound { body(plain..<range.upperBound, false) }
    }
}

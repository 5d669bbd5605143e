/// Finds the places of a text at which an answer is announced.
enum AnswerText {
    /// What stands in the last `\boxed{…}`, then what follows each announcement of an answer, last announcement first.
    static func candidates(in text: String) -> [String] {
        var found: [String] = []
        if let boxed = lastBoxed(in: text) { found.append(boxed) }
        found += announced(in: text).reversed()
        return found
    }

    /// The contents of the last `\boxed{…}`, braces balanced.
    static func lastBoxed(in text: String) -> String? {
        let characters = Array(text)
        let marker = Array("\\boxed{")
        guard characters.count > marker.count else { return nil }
        var start: Int?
        for index in 0...(characters.count - marker.count)
        where characters[index] == "\\" && Array(characters[index..<(index + marker.count)]) == marker {
            start = index + marker.count
        }
        guard let start else { return nil }
        var depth = 1
        for index in start..<characters.count {
            if characters[index] == "{" { depth += 1 }
            if characters[index] == "}" { depth -= 1 }
            if depth == 0 { return String(characters[start..<index]) }
        }
        return nil
    }

    /// The lines that follow announcements such as “####”, “Answer:” or “the correct option is”, in order.
    static func announced(in text: String) -> [String] {
        let characters = Array(text)
        let words = self.words(of: characters)
        let ends = words.enumerated().compactMap { endOfAnnouncement(at: $0, $1, words, characters) }
        // A model that repeats itself announces thousands of times, each time with the rest of the line behind it.
        return ends.suffix(announcementLimit).map { line(in: characters, from: $0) }
    }

    /// How many announcements are read at most, the last ones.
    private static let announcementLimit = 16

    private static let nouns: Set<String> = ["answer", "option", "choice", "antwort"]
    private static let verbs: Set<String> = ["is", "be", "are", "ist", "lautet"]
    private static let negations: Set<String> = ["not", "isn't", "n't", "neither", "never", "nicht"]

    /// A word in lower case and where it stands.
    struct Word {
        var text: String
        var range: Range<Int>
    }

    /// Where an announcement that begins with a word ends, if it is one.
    private static func endOfAnnouncement(
        at index: Int,
        _ word: Word,
        _ words: [Word],
        _ characters: [Character]
    ) -> Int? {
        if word.text == "####" { return word.range.upperBound }
        guard nouns.contains(word.text) else { return nil }
        var end: Int?
        // “answer (to the question) should be”, “answer:”, “answer =”: the announcing sign is at most six words away.
        for next in index..<min(index + 7, words.count) {
            let gapEnd = next + 1 < words.count ? words[next + 1].range.lowerBound : characters.count
            let gap = characters[words[next].range.upperBound..<gapEnd]
            if let sign = gap.firstIndex(where: { $0 == ":" || $0 == "=" || $0 == "：" }) {
                end = sign + 1
                break
            }
            if gap.contains(where: { ".!?\n".contains($0) }) { break }
            if next + 1 < words.count, verbs.contains(words[next + 1].text) {
                end = words[next + 1].range.upperBound
                break
            }
        }
        guard var end else { return nil }
        // “the answer is:” announces behind the colon.
        while end < characters.count, characters[end] == ":" || characters[end] == "：" { end += 1 }
        if let following = words[index...].first(where: { $0.range.lowerBound >= end }),
            negations.contains(following.text)
        {
            return nil
        }
        return end
    }

    /// Words, with apostrophes inside, and runs of number signs.
    static func words(of characters: [Character]) -> [Word] {
        var words: [Word] = []
        var index = 0
        while index < characters.count {
            let start = index
            if characters[index].isLetter {
                while index < characters.count,
                    characters[index].isLetter || characters[index] == "'" || characters[index] == "’"
                { index += 1 }
                let text = String(characters[start..<index]).lowercased()
                words.append(Word(text: text.replacing("’", with: "'"), range: start..<index))
            } else if characters[index] == "#" {
                while index < characters.count, characters[index] == "#" { index += 1 }
                words.append(Word(text: String(characters[start..<index]), range: start..<index))
            } else {
                index += 1
            }
        }
        return words
    }

    /// The first line at or after a place that is not blank.
    private static func line(in characters: [Character], from start: Int) -> String {
        var start = start
        while start < characters.count, characters[start].isWhitespace || characters[start] == "*" {
            start += 1
        }
        let end = characters[start...].firstIndex(where: \.isNewline) ?? characters.count
        return String(characters[start..<end])
    }

    /// Lower case, without punctuation, articles and superfluous white space.
    ///
    /// What makes another answer stays: decimals and fractions, a sign before a number, `<`, `=` and `>`, and the signs of
    /// names such as `C++` and `C#`.
    static func normalized(_ text: String) -> String {
        let characters = Array(text.lowercased())
        func isDigit(_ index: Int) -> Bool {
            characters.indices.contains(index) && characters[index].isASCIIDigit
        }
        /// Whether exactly three digits follow.
        func isGroup(_ index: Int) -> Bool {
            (1...3).allSatisfy { isDigit(index + $0) } && !isDigit(index + 4)
        }
        var words: [String] = []
        var word = ""
        func end() {
            if !word.isEmpty, !["a", "an", "the"].contains(word) { words.append(word) }
            word = ""
        }
        for (index, character) in characters.enumerated() {
            switch character {
            case _ where character.isLetter || character.isNumber: word.append(character)
            case ".", "/": if isDigit(index - 1), isDigit(index + 1) { word.append(character) }
            case ",": if isDigit(index - 1), isDigit(index + 1), !isGroup(index) { word.append(character) }
            case "-", "\u{2212}":
                let isSign = word.isEmpty && isDigit(index + 1) && !isDigit(index - 1)
                end()
                if isSign { word = "-" }
            case "<", ">", "=":
                end()
                words.append(String(character))
            case "+", "#": if !word.isEmpty, !isDigit(index + 1) { word.append(character) }
            case _ where character.isWhitespace: end()
            default: break
            }
        }
        end()
        return words.joined(separator: " ")
    }

    /// A text without the decoration around it: white space, quotes, asterisks, brackets, final punctuation.
    static func bare(_ text: some StringProtocol) -> String {
        let decoration: Set<Character> = [
            "*", "_", "`", "\"", "'", "“", "”", "‘", "’", "(", ")", "[", "]", ".", ",", ":", ";", "!", "$",
        ]
        func isDecoration(_ character: Character) -> Bool {
            character.isWhitespace || decoration.contains(character)
        }
        guard let first = text.firstIndex(where: { !isDecoration($0) }),
            let last = text.lastIndex(where: { !isDecoration($0) })
        else { return "" }
        return String(text[first...last])
    }

    /// The lines that are not blank.
    static func lines(of text: String) -> [Substring] {
        text.split(whereSeparator: \.isNewline).filter { line in line.contains { !$0.isWhitespace } }
    }
}

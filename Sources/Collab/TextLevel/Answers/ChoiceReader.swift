/// Reads a letter of a multiple choice.
struct ChoiceReader {
    let letters: Set<Character>

    func read(_ text: String) -> Character? {
        for candidate in AnswerText.candidates(in: text) {
            if let letter = leading(candidate) ?? only(mentions(in: candidate)) { return letter }
        }
        // The whole text, or a line of it, begins with the letter: “B”, “(B) Paris”, “B. Paris”.
        let lines = AnswerText.lines(of: text)
        if lines.count == 1 || lines.allSatisfy({ !startsWithOption($0) }) {
            if let first = lines.first, let letter = leading(String(first)) { return letter }
        }
        if let last = lines.last, let letter = leading(String(last)) ?? only(mentions(in: String(last))) {
            return letter
        }
        return only(mentions(in: text))
    }

    /// The letter at the beginning of a text, if it stands alone there.
    private func leading(_ text: String) -> Character? {
        var characters = Array(text)[...]
        if let closing = characters.last, closing == "}" { characters.removeLast() }
        let prefix = "\\text{"
        if String(characters).hasPrefix(prefix) { characters = characters.dropFirst(prefix.count) }
        characters = characters.drop { $0.isWhitespace || "*_`\"“'$".contains($0) }
        let isBracketed = characters.first == "(" || characters.first == "["
        if isBracketed { characters.removeFirst() }
        guard let letter = characters.first.flatMap(option) else { return nil }
        let rest = characters.dropFirst()
        guard let next = rest.first else { return letter }
        if isBracketed { return next == ")" || next == "]" ? letter : nil }
        if next == "'" || next == "’", rest.dropFirst().first?.isLetter == true { return nil }
        if ".),:;*]}\"”'`_$<\\".contains(next) { return letter }
        return rest.allSatisfy(\.isWhitespace) ? letter : nil
    }

    private func startsWithOption(_ line: Substring) -> Bool { leading(String(line)) != nil }

    /// Letters that stand apart as options: in brackets, in bold, or as a lone capital that is no English word here.
    private func mentions(in text: String) -> [Character] {
        let characters = Array(text)
        var found: [Character] = []
        for index in characters.indices {
            let before = index > 0 ? characters[index - 1] : " "
            let after = index + 1 < characters.count ? characters[index + 1] : "."
            guard !before.isLetter, !before.isNumber, !after.isLetter, !after.isNumber,
                characters[index].isUppercase,
                let letter = option(characters[index]), before != "'", before != "’", after != "'",
                after != "’"
            else { continue }
            let isSetApart = ")].,:;!?*\"”}\n".contains(after) || before == "(" || before == "*"
            let isWord = (letter == "A" || letter == "I") && !isSetApart
            if !isWord { found.append(letter) }
        }
        return found
    }

    /// The letter of a list in which only one occurs.
    private func only(_ found: [Character]) -> Character? {
        guard let last = found.last, found.allSatisfy({ $0 == last }) else { return nil }
        return last
    }

    /// The option that a letter names; lower-case letters name one too.
    private func option(_ character: Character) -> Character? {
        guard let upper = character.uppercased().first, letters.contains(upper) else { return nil }
        return upper
    }
}

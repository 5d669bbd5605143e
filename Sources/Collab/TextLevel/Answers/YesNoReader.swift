/// Reads a yes or a no.
struct YesNoReader {
    private let wording: Wording

    init(_ wording: Wording = .english) { self.wording = wording }

    /// The verdict of somebody who was asked to say yes or no first: the first word, if it is one; else what the whole says.
    ///
    /// What follows may speak of other answers: “No. The answer is yes.” objects.
    func verdict(_ text: String) -> String? {
        AnswerText.lines(of: text).first.flatMap { leading(String($0)) } ?? read(text)
    }

    /// What is said behind the first word, if that is a yes or a no; else the whole text.
    func remainder(of text: String) -> String {
        guard leading(text.trimmed) != nil else { return text }
        let start = text.drop { !$0.isLetter }
        return String(
            start.drop { $0.isLetter }.drop { !$0.isLetter && !$0.isNumber && !"-+(\\$#".contains($0) }
        )
    }

    func read(_ text: String) -> String? {
        for candidate in AnswerText.candidates(in: text) {
            if let answer = leading(candidate) { return answer }
        }
        let lines = AnswerText.lines(of: text)
        // A last line or sentence that is nothing but the answer counts more than how the text begins.
        if let last = lines.last {
            let sentence = last.split(whereSeparator: { ".!?".contains($0) }).last {
                !AnswerText.bare($0).isEmpty
            }
            if let sentence, let answer = whole(AnswerText.bare(sentence).lowercased()) { return answer }
        }
        return lines.first.flatMap { leading(String($0)) }
    }

    /// The answer if the text is nothing else, perhaps after “so” or “therefore”.
    private func whole(_ text: String) -> String? {
        let words = text.split { !$0.isLetter }.drop { ["so", "therefore", "thus", "hence"].contains($0) }
        return words.count == 1 ? words.first.flatMap { wording.verdict(of: String($0)) } : nil
    }

    /// The answer if the text begins with it and something sets it apart: “Yes, …”, but not “No doubt …”.
    private func leading(_ text: String) -> String? {
        let start = text.drop { !$0.isLetter }
        let word = start.prefix { $0.isLetter }
        guard let answer = wording.verdict(of: word.lowercased()) else { return nil }
        let rest = start.dropFirst(word.count)
        let isSetApart = rest.allSatisfy(\.isWhitespace) || rest.first.map { !$0.isWhitespace } ?? true
        return isSetApart ? answer : nil
    }
}

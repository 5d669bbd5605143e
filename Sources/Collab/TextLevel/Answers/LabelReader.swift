/// Reads one of several labels.
///
/// Signs that stand in a label, as in `C++` and `C#`, count as part of its words; labels that differ in nothing else but
/// punctuation are told apart only where the answer is one of them, to the letter.
struct LabelReader {
    let labels: [String]
    /// Signs of the labels that are no punctuation of sentences.
    private let signs: Set<Character>

    private static let punctuation: Set<Character> = [
        ".", ",", ";", ":", "!", "?", "\"", "'", "“", "”", "‘", "’", "(", ")", "[", "]", "{", "}", "*", "_",
        "`", "-",
        "–", "—", "…",
    ]
    private static let negations: Set<String> = [
        "not", "never", "no", "neither", "nor", "without", "nicht", "kein", "keine", "weder", "noch",
    ]

    init(labels: [String]) {
        self.labels = labels
        signs = Set(labels.joined()).filter {
            !$0.isLetter && !$0.isNumber && !$0.isWhitespace && !Self.punctuation.contains($0)
        }
    }

    func read(_ text: String) -> String? {
        for candidate in AnswerText.candidates(in: text) {
            if let label = exactly(candidate) ?? only(candidate) { return label }
        }
        let lines = AnswerText.lines(of: text).map(String.init)
        if let last = lines.last, let label = exactly(last) { return label }
        if let first = lines.first, let label = exactly(first) { return label }
        return only(text)
    }

    /// The label that a text is, decoration apart.
    private func exactly(_ text: String) -> String? {
        let trimmed = text.trimmed.lowercased()
        if let label = labels.first(where: { $0.lowercased() == trimmed }) { return label }
        let bare = words(AnswerText.bare(text))
        let alike = bare.isEmpty ? [] : labels.filter { words($0) == bare }
        return alike.count == 1 ? alike[0] : nil
    }

    /// The label that a text names, if it names one only; a longer label hides a shorter one within it.
    private func only(_ text: String) -> String? {
        var rest = words(text)
        var found: Set<String> = []
        for label in labels.sorted(by: { ($0.count, $1) > ($1.count, $0) }) {
            let words = words(label)
            guard !words.isEmpty else { continue }
            var index = 0
            while index + words.count <= rest.count {
                if Array(rest[index..<(index + words.count)]) == words {
                    if !isNegated(rest, before: index) {
                        // Labels that read alike cannot be told apart here.
                        found.formUnion(labels.filter { self.words($0) == words })
                    }
                    rest.replaceSubrange(index..<(index + words.count), with: ["\u{0}"])
                }
                index += 1
            }
        }
        return found.count == 1 ? found.first : nil
    }

    /// Whether the word before a place says that what follows is not so.
    private func isNegated(_ words: [String], before index: Int) -> Bool {
        guard index > 0 else { return false }
        if Self.negations.contains(words[index - 1]) { return true }
        // “isn't” and the like are two words here.
        return words[index - 1] == "t" && index > 1 && words[index - 2].hasSuffix("n")
    }

    private func words(_ text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber && !signs.contains($0) }.map(String.init)
    }
}

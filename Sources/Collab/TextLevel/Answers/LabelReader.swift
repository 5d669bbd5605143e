/// Reads one of several labels.
struct LabelReader {
    let labels: [String]

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
        let bare = Self.words(AnswerText.bare(text))
        return labels.first { Self.words($0) == bare }
    }

    /// The label that a text names, if it names one only; a longer label hides a shorter one within it.
    private func only(_ text: String) -> String? {
        var rest = Self.words(text)
        var found: Set<String> = []
        for label in labels.sorted(by: { ($0.count, $1) > ($1.count, $0) }) {
            let words = Self.words(label)
            guard !words.isEmpty else { continue }
            var index = 0
            while index + words.count <= rest.count {
                if Array(rest[index..<(index + words.count)]) == words {
                    found.insert(label)
                    rest.replaceSubrange(index..<(index + words.count), with: ["\u{0}"])
                }
                index += 1
            }
        }
        return found.count == 1 ? found.first : nil
    }

    private static func words(_ text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
    }
}

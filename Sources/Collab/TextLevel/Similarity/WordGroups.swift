/// The words of a text and each two that follow each other, by how often they occur: a likeness of texts that needs no
/// model.
struct WordGroups {
    private let counts: [String: Int]
    private let total: Int

    init(_ text: String) {
        let words = AnswerText.normalized(text).split(separator: " ").map(String.init)
        var counts: [String: Int] = [:]
        for word in words { counts[word, default: 0] += 1 }
        for (first, second) in zip(words, words.dropFirst()) { counts["\(first) \(second)", default: 0] += 1 }
        self.counts = counts
        total = counts.values.reduce(0, +)
    }

    /// How much two texts have in common, 2 |A ∩ B| ∕ (|A| + |B|) over their word groups (L. R. Dice 1945): 1 for equal
    /// texts, 0 for texts without a common word; case and punctuation do not count.
    func similarity(to other: WordGroups) -> Double {
        guard total + other.total > 0 else { return 1 }
        let (smaller, larger) = counts.count < other.counts.count ? (self, other) : (other, self)
        let common = smaller.counts.reduce(0) { $0 + min($1.value, larger.counts[$1.key] ?? 0) }
        return 2 * Double(common) / Double(total + other.total)
    }

    /// How much two texts have in common.
    static func similarity(_ first: String, _ second: String) -> Double {
        first == second ? 1 : WordGroups(first).similarity(to: WordGroups(second))
    }
}

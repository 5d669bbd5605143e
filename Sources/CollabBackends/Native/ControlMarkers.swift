import Collab

/// How a vocabulary's control tokens are spelled, arranged so that it is soon known whether a text could be part of one.
struct ControlMarkers: Sendable {
    private let spellings: [[UInt8]]
    /// All of them, apart by a byte that no text holds.
    private let joined: TemplateText
    private let longest: Int
    /// Whether one begins or ends with a byte.
    private var begins = [Bool](repeating: false, count: 256)
    private var ends = [Bool](repeating: false, count: 256)

    /// Vocabularies list no control tokens, so all ids are gone through.
    init(of vocabulary: any ModelTokenizer) {
        spellings = (0..<TokenID(vocabulary.count)).filter { vocabulary.isControl($0) }
            .map { vocabulary.spelling(of: $0) }
            .filter { !$0.isEmpty }
        joined = TemplateText(Array(spellings.joined(separator: [0xFF])))
        longest = spellings.map(\.count).max() ?? 0
        for spelling in spellings {
            begins[Int(spelling[0])] = true
            ends[Int(spelling[spelling.count - 1])] = true
        }
    }

    /// Whether a marker could begin or end in a text and go on outside, or reach beyond it on both sides.
    func couldHold(partOf text: String) -> Bool {
        let bytes = Array(text.utf8)
        if bytes.isEmpty { return false }
        if bytes.count <= longest, joined.contains(TemplateText(bytes)) { return true }
        // What goes on behind the text begins in its last bytes, and what came before it ends in its first ones.
        guard
            bytes.suffix(longest).contains(where: { begins[Int($0)] })
                || bytes.prefix(longest).contains(where: { ends[Int($0)] })
        else { return false }
        return spellings.contains { marker in
            (1..<max(1, min(bytes.count + 1, marker.count))).contains { length in
                bytes.suffix(length) == marker.prefix(length) || bytes.prefix(length) == marker.suffix(length)
            }
        }
    }
}

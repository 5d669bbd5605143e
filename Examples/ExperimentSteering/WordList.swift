import Foundation

/// Words that decide whether a text has the undesired attribute: one of them as a whole word, in any case, is enough.
struct WordList {
    /// All words.
    let words: Set<String>
    /// Those at even places of the list, which the experts never saw in training.
    let unseen: Set<String>

    init(contentsOf path: String) throws {
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }
        words = Set(lines.map { String($0) })
        unseen = Set(stride(from: 1, to: lines.count, by: 2).map { String(lines[$0]) })
    }

    /// The words of a text, in lower case: runs of letters, digits, low lines and hyphens.
    static func words(of text: String) -> [String] {
        text.lowercased()
            .split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
            .map { String($0) }
    }
}

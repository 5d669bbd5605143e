public import Collab
import CollabBackends

/// Held-out text of one domain, cut into passages that are scored one by one.
public struct DomainText: Hashable, Sendable {
    /// What to call the domain.
    public var name: String
    /// The passages, in order.
    public var passages: [String]

    /// The most bytes of a passage, so that one fits the context of any model.
    static let passageByteCount = 1024

    /// Cuts a text into passages of at most 1,024 bytes, at ends of lines if possible, else at spaces.
    public init(_ name: String, text: String) {
        self.name = name
        passages = []
        var passage = ""
        func isRoom(for part: Substring) -> Bool {
            passage.utf8.count + part.utf8.count <= Self.passageByteCount
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map({ $0 + "\n" }) {
            if !passage.isEmpty, !isRoom(for: Substring(line)) { finish(&passage) }
            guard line.utf8.count > Self.passageByteCount else {
                passage += line
                continue
            }
            for word in line.split(separator: " ", omittingEmptySubsequences: false).map({ $0 + " " }) {
                for part in Self.cut(Substring(word)) {
                    if !passage.isEmpty, !isRoom(for: part) { finish(&passage) }
                    passage += part
                }
            }
        }
        finish(&passage)
    }

    /// Reads a file.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound` or `inputOutput`, and `malformedFile` for a file that is no text
    /// in UTF-8 or holds nothing but white space.
    public init(_ name: String, contentsOf path: String) throws(CollabError) {
        let file = try MappedFile(path: path)
        guard let text = withExtendedLifetime(file, { String(validating: file.bytes, as: UTF8.self) }) else {
            throw CollabError(.malformedFile, "\(path) is not a text in UTF-8.")
        }
        self.init(name, text: text)
        if passages.isEmpty { throw CollabError(.malformedFile, "\(path) holds no text.") }
    }

    private mutating func finish(_ passage: inout String) {
        if !passage.allSatisfy(\.isWhitespace) { passages.append(passage) }
        passage = ""
    }

    /// A word that is longer than a passage, in pieces of whole characters.
    private static func cut(_ word: Substring) -> [Substring] {
        var (pieces, rest): ([Substring], Substring) = ([], word)
        while rest.utf8.count > passageByteCount {
            var piece = rest.prefix(passageByteCount)
            while piece.utf8.count > passageByteCount, piece.count > 1 {
                piece = piece.prefix(piece.count / 2)
            }
            pieces.append(piece)
            rest = rest[piece.endIndex...]
        }
        return pieces + [rest]
    }
}

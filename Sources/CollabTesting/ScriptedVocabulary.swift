public import Collab

/// A tiny vocabulary: the texts given, then one control token that ends an answer.
///
/// Encoding takes the longest text that matches at each place; a character that no text begins with is dropped, so
/// that any prompt can be read.
public struct ScriptedVocabulary: Tokenizer {
    /// The texts, by id.
    public let texts: [String]
    /// The token that ends an answer: the one after all texts.
    public var end: TokenID { TokenID(texts.count) }
    private let order: [Int]

    /// Makes a vocabulary from the tokens' texts.
    public init(_ texts: [String]) {
        self.texts = texts
        order = texts.indices.filter { !texts[$0].isEmpty }.sorted {
            (texts[$0].utf8.count, $1) > (texts[$1].utf8.count, $0)
        }
    }

    /// Texts and the end token.
    public var count: Int { texts.count + 1 }
    /// The end token.
    public var endTokens: Set<TokenID> { [end] }
    /// A hash over the texts.
    public var fingerprint: VocabularyFingerprint {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for text in texts {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        return VocabularyFingerprint(count: count, hash: hash)
    }

    /// The longest matches, from left to right.
    public func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        var rest = Substring(text)
        var tokens: [TokenID] = []
        while !rest.isEmpty {
            if let id = order.first(where: { rest.hasPrefix(texts[$0]) }) {
                tokens.append(TokenID(id))
                rest = rest.dropFirst(texts[id].count)
            } else {
                rest = rest.dropFirst()
            }
        }
        return tokens
    }

    /// The bytes of a token's text; the end token has none.
    public func bytes(of token: TokenID) -> [UInt8] {
        texts.indices.contains(Int(token)) ? Array(texts[Int(token)].utf8) : []
    }

    /// Whether a token is the end token.
    public func isControl(_ token: TokenID) -> Bool { token == end }

    /// The text of tokens.
    public func text(of tokens: some Sequence<TokenID>) -> String {
        tokens.map { texts.indices.contains(Int($0)) ? texts[Int($0)] : "" }.joined()
    }
}

/// The index of a token in a vocabulary.
public typealias TokenID = Int32

/// Turns text into tokens and tokens into bytes.
public protocol Tokenizer: Sendable {
    /// How many tokens there are; ids run from 0 up to, not including, this.
    var count: Int { get }
    /// Tokens at which an answer ends.
    var endTokens: Set<TokenID> { get }
    /// A hash over every id's bytes and kind: equal exactly for vocabularies whose logits may be combined.
    var fingerprint: VocabularyFingerprint { get }
    /// The tokens of a text, without any beginning-of-sequence token.
    ///
    /// - Parameters:
    ///   - text: any text.
    ///   - parsingSpecialTokens: whether text such as `<|im_end|>` becomes the control token it names.
    ///     Leave it off for text from outside.
    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID]
    /// The tokens of a text that goes on with what is there already: an answer under way, a guess at one, a label.
    ///
    /// Some vocabularies (Llama 2, Mistral 7B, T5) put a space in front of every text, so that a word at its beginning
    /// looks like any other. What goes on with a text gets none: the tokens spell the given text and nothing else.
    ///
    /// - Parameters:
    ///   - text: any text.
    ///   - parsingSpecialTokens: whether text such as `<|im_end|>` becomes the control token it names.
    func encode(continuing text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID]
    /// The bytes of a token; control tokens have none.
    func bytes(of token: TokenID) -> [UInt8]
    /// Whether a token steers the model rather than standing for text.
    func isControl(_ token: TokenID) -> Bool
}

extension Tokenizer {
    /// The tokens of a text by itself, which is right for vocabularies that put nothing in front of it.
    public func encode(
        continuing text: String,
        parsingSpecialTokens: Bool
    ) throws(CollabError) -> [TokenID] {
        try encode(text, parsingSpecialTokens: parsingSpecialTokens)
    }

    /// The tokens of a text that goes on with what is there already; names of control tokens stay text.
    public func encode(continuing text: String) throws(CollabError) -> [TokenID] {
        try encode(continuing: text, parsingSpecialTokens: false)
    }
}

/// Identifies a vocabulary: equal size, equal bytes at every id, equal control tokens.
public struct VocabularyFingerprint: Hashable, Sendable, Codable, CustomStringConvertible {
    /// How many tokens there are.
    public var count: Int
    /// A 64-bit hash over the tokens' bytes and kinds, in the order of their ids.
    public var hash: UInt64

    /// Makes a fingerprint.
    public init(count: Int, hash: UInt64) {
        self.count = count
        self.hash = hash
    }

    /// Size and hash.
    public var description: String { "\(count) tokens, \(String(hash, radix: 16))" }
}

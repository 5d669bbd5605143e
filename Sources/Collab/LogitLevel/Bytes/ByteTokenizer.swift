/// The vocabulary of texts that are written byte by byte: the 256 bytes, and one symbol that ends an answer.
public struct ByteTokenizer: Tokenizer {
    /// The symbol that ends an answer.
    public static let stop: TokenID = 256

    /// Makes the vocabulary.
    public init() {}

    /// 257.
    public var count: Int { 257 }
    /// The symbol that ends an answer.
    public var endTokens: Set<TokenID> { [Self.stop] }
    /// The same for all models that are read byte by byte.
    public var fingerprint: VocabularyFingerprint {
        VocabularyFingerprint(count: count, hash: 0x62_7974_6573_2b31)
    }
    /// The text's UTF-8.
    public func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        text.utf8.map { TokenID($0) }
    }
    /// The byte; the end has none.
    public func bytes(of token: TokenID) -> [UInt8] { UInt8(exactly: token).map { [$0] } ?? [] }
    /// Whether a symbol is the end.
    public func isControl(_ token: TokenID) -> Bool { token == Self.stop }
}

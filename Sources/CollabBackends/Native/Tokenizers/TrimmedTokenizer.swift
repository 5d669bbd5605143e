import Collab

/// A tokenizer that lists tokens which only a larger variant of its model has embeddings for: Gemma 3's text models
/// have none for the image token.
///
/// Those tokens do not count; a text that is cut into one is refused by the model's decoders.
struct TrimmedTokenizer: ModelTokenizer {
    private let base: any ModelTokenizer
    let count: Int

    /// Fits a tokenizer to a model's number of embeddings.
    ///
    /// Throws ``Collab/CollabError`` with `malformedFile` if tokens that stand for text have no embedding.
    static func fitting(
        _ tokenizer: any ModelTokenizer,
        to count: Int,
        of model: String
    ) throws(CollabError) -> any ModelTokenizer {
        guard tokenizer.count > count else { return tokenizer }
        guard (count..<tokenizer.count).allSatisfy({ tokenizer.isControl(TokenID($0)) }) else {
            throw CollabError(
                .malformedFile,
                "\(model) has \(count) embeddings for \(tokenizer.count) tokens; its tokenizer is another model's."
            )
        }
        return TrimmedTokenizer(base: tokenizer, count: count)
    }

    var markers: SequenceMarkers { base.markers }
    var endTokens: Set<TokenID> { base.endTokens.filter { $0 < count } }
    var fingerprint: VocabularyFingerprint {
        VocabularyFingerprint(count: count, hash: base.fingerprint.hash)
    }

    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        try base.encode(text, parsingSpecialTokens: parsingSpecialTokens)
    }

    func encode(continuing text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        try base.encode(continuing: text, parsingSpecialTokens: parsingSpecialTokens)
    }

    func bytes(of token: TokenID) -> [UInt8] { base.bytes(of: token) }
    func isControl(_ token: TokenID) -> Bool { base.isControl(token) }
    func specialToken(named name: String) -> TokenID? { base.specialToken(named: name) }
    func spelling(of token: TokenID) -> [UInt8] { base.spelling(of: token) }
}

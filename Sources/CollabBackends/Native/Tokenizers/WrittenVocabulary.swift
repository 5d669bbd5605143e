import Collab

/// A vocabulary as a model file writes it, before its tokens' bytes are worked out.
struct WrittenVocabulary: Sendable {
    /// The tokens in the file's spelling.
    var tokens = ByteStrings()
    /// What each token is.
    var kinds: [TokenKind] = []
    /// The score of each token; for score-driven merging only.
    var scores: [Float] = []
    /// Merges in order, each two tokens with a space between; for byte-level vocabularies only.
    var merges = ByteStrings()
    /// The tokens that frame a sequence.
    var markers = SequenceMarkers()
    /// Tokens at which an answer ends, beyond the marked end of the sequence.
    var moreEndTokens: Set<TokenID> = []

    /// Names under which families of models end a turn or a text. A control or user-defined token so named ends an
    /// answer, because files often name only one of several as their end token.
    static let endTokenNames: Set<String> = [
        "<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|end|>", "<|return|>",
        "<|call|>", "<|eot|>", "<end_of_turn>", "<|end_of_turn|>", "<end_of_utterance>", "<EOT>", "_<EOT>",
        "< EOT >",
        "<|EOT|>", "[EOT]", "[EOS]", "</s>", "<eos>",
    ]

    /// Checks the parts against each other and works out the end tokens.
    ///
    /// An end token counts as a control token whatever the file says, so that text from outside cannot end a turn:
    /// Gemma's `</s>` is listed among its HTML tags.
    mutating func settleEndTokens() throws(CollabError) -> Set<TokenID> {
        guard kinds.count == tokens.count else {
            throw CollabError(
                .malformedFile,
                "The vocabulary lists \(tokens.count) tokens but \(kinds.count) token types; the file is damaged."
            )
        }
        let range = TokenID(0)..<TokenID(clamping: tokens.count)
        func isInRange(_ token: TokenID?) -> Bool { token.map(range.contains) ?? false }
        if !isInRange(markers.begin) { (markers.begin, markers.addsBegin) = (nil, false) }
        if !isInRange(markers.end) { (markers.end, markers.addsEnd) = (nil, false) }
        if !isInRange(markers.unknown) { markers.unknown = nil }
        if !isInRange(markers.padding) { markers.padding = nil }
        var endTokens = moreEndTokens.filter(range.contains)
        if let end = markers.end { endTokens.insert(end) }
        for (id, kind) in kinds.enumerated() where kind == .control || kind == .userDefined {
            let length = tokens.range(of: id).count
            guard (3...20).contains(length) else { continue }
            if Self.endTokenNames.contains(String(decoding: tokens[id], as: UTF8.self)) {
                endTokens.insert(TokenID(id))
            }
        }
        for token in endTokens { kinds[Int(token)] = .control }
        return endTokens
    }
}

/// A vocabulary and its end tokens, of which its fingerprint tells nothing: variants of one model may end their answers
/// differently.
struct VocabularyIdentity: Hashable, Sendable {
    let fingerprint: VocabularyFingerprint
    let endTokens: Set<TokenID>

    init(_ tokenizer: any Tokenizer) {
        fingerprint = tokenizer.fingerprint
        endTokens = tokenizer.endTokens
    }
}

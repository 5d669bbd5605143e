/// Throws ``CollabError/Code/vocabularyMismatch`` unless next-token logits of two models may be combined.
func checkVocabularies(_ first: any LogitModel, _ second: any LogitModel) throws(CollabError) {
    let (a, b) = (first.tokenizer, second.tokenizer)
    if a.fingerprint == b.fingerprint { return }
    throw CollabError(
        .vocabularyMismatch,
        """
        “\(first.name)” and “\(second.name)” have different vocabularies \
        (\(a.count) and \(b.count) tokens; \(difference(a, b))), so their next-token logits cannot be combined. \
        Fuse them byte by byte (FuseBytes), fuse models of one family, roles or adapted variants of one model, or \
        let the models exchange text (Debate, Cascade) instead.
        """
    )
}

/// Where two vocabularies differ first.
private func difference(_ a: any Tokenizer, _ b: any Tokenizer) -> String {
    var different: [String] = []
    for id in 0..<TokenID(min(a.count, b.count)) {
        if a.bytes(of: id) == b.bytes(of: id), a.isControl(id) == b.isControl(id) { continue }
        different.append("id \(id) is \(spelling(id, a)) and \(spelling(id, b))")
        if different.count == 3 { break }
    }
    if !different.isEmpty { return different.joined(separator: ", ") }
    return a.count == b.count
        ? "they name different tokens as their ends" : "the shorter one is the beginning of the longer one"
}

private func spelling(_ id: TokenID, _ tokenizer: any Tokenizer) -> String {
    if tokenizer.isControl(id) { return "a control token" }
    return "“\(String(decoding: tokenizer.bytes(of: id), as: UTF8.self))”"
}

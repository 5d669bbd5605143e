public import Collab

extension GGUFMetadata {
    /// Makes the tokenizer that the metadata describes.
    ///
    /// Known are byte-level vocabularies (`gpt2`, with the pre-tokenisers of `PreTokenizer`), SentencePiece's by merging
    /// (`llama`) and by probability (`t5`), and WordPiece (`bert`).
    ///
    /// Throws `malformedFile` where the parts do not fit together, and `unsupported`, with a list of
    /// what is known, for anything else.
    public func makeTokenizer() throws(CollabError) -> any ModelTokenizer {
        let key = "tokenizer.ggml.model"
        guard let model = try string(key) else { throw missing(key) }
        switch model {
        case "gpt2":
            let (preTokenizer, isLlama) = try preTokenizer()
            return try ByteLevelBPE(
                try writtenVocabulary(addsBegin: isLlama),
                preTokenizer: preTokenizer,
                takesWholeWords: isLlama
            )
        case "llama":
            return try SentencePieceBPE(
                try writtenVocabulary(addsBegin: true),
                addsSpacePrefix: try bool("tokenizer.ggml.add_space_prefix") ?? true
            )
        case "bert": return try makeWordPieces(try writtenVocabulary(addsBegin: true))
        case "t5": return try makeUnigram(try writtenVocabulary(addsBegin: false))
        default:
            throw CollabError(
                .unsupported,
                "The file's tokenizer is of the kind “\(model)”; known are “gpt2” (byte-level), “llama” and "
                    + "“t5” (SentencePiece-style) and “bert” (WordPiece)."
            )
        }
    }

    /// Which pre-tokeniser a byte-level vocabulary names, and whether it takes whole words and begins texts with a token
    /// where the file does not say, as Llama's and Mistral's do.
    private func preTokenizer() throws(CollabError) -> (PreTokenizer, isLlama: Bool) {
        guard let name = try string("tokenizer.ggml.pre") else {
            throw CollabError(
                .unsupported,
                "The file does not say how its tokenizer cuts text into words (“tokenizer.ggml.pre”); a guess would "
                    + "give wrong tokens. Convert the model again with a current converter."
            )
        }
        switch name {
        case "gpt2", "gpt-2", "phi-2", "jina-es", "jina-de", "mpt", "olmo", "jais": return (.gpt2, false)
        case "smollm", "starcoder", "refact", "command-r": return (.smollm, false)
        case "llama3", "llama-v3", "llama-bpe": return (.llama3, true)
        case "smaug-bpe", "dbrx": return (.llama3, false)
        case "tekken": return (.tekken, true)
        case "gpt-4o", "llama4": return (.o200k, false)
        case "qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez": return (.qwen2, false)
        default:
            throw CollabError(
                .unsupported,
                "The file's tokenizer cuts text into words in the way “\(name)”; known are gpt-2, smollm, llama-bpe, "
                    + "dbrx, tekken, gpt-4o and qwen2."
            )
        }
    }

    private func writtenVocabulary(addsBegin: Bool) throws(CollabError) -> WrittenVocabulary {
        var vocabulary = WrittenVocabulary()
        guard let tokens = try strings("tokenizer.ggml.tokens") else {
            throw missing("tokenizer.ggml.tokens")
        }
        vocabulary.tokens = ByteStrings(tokens)
        vocabulary.kinds = try tokenKinds(count: tokens.count)
        if let scores = try array("tokenizer.ggml.scores") {
            guard scores.count == tokens.count, let floats = scores.floats else {
                throw CollabError(
                    .malformedFile,
                    "The vocabulary lists \(tokens.count) tokens but \(scores.count) scores, or scores that are no "
                        + "32-bit numbers; the file is damaged."
                )
            }
            vocabulary.scores = floats
        }
        if let merges = try strings("tokenizer.ggml.merges") { vocabulary.merges = ByteStrings(merges) }
        vocabulary.markers = SequenceMarkers(
            begin: try tokenID("bos"),
            end: try tokenID("eos"),
            unknown: try tokenID("unknown"),
            padding: try tokenID("padding"),
            addsBegin: try bool("tokenizer.ggml.add_bos_token") ?? addsBegin,
            addsEnd: try bool("tokenizer.ggml.add_eos_token") ?? false
        )
        for name in ["eot", "eom"] {
            if let token = try tokenID(name) { vocabulary.moreEndTokens.insert(token) }
        }
        return vocabulary
    }

    private func tokenKinds(count: Int) throws(CollabError) -> [TokenKind] {
        guard let types = try array("tokenizer.ggml.token_type") else {
            return [TokenKind](repeating: .normal, count: count)
        }
        guard types.count == count, let values = types.int32s else {
            throw CollabError(
                .malformedFile,
                "The vocabulary lists \(count) tokens but \(types.count) token types, or types that are no 32-bit "
                    + "integers; the file is damaged."
            )
        }
        return values.map { UInt8(exactly: $0).flatMap(TokenKind.init(rawValue:)) ?? .normal }
    }

    /// A token id of the metadata; one beyond 31 bits stands for none.
    func tokenID(_ name: String) throws(CollabError) -> TokenID? {
        try integer("tokenizer.ggml.\(name)_token_id").flatMap { TokenID(exactly: $0) }
    }
}

extension ByteStrings {
    /// Copies texts out of a file.
    fileprivate init(_ strings: GGUFStringArray) {
        guard strings.count > 0 else {
            self.init()
            return
        }
        // Before every string but the first lie the eight bytes of its length.
        let byteCount = strings.offsets[strings.count] - strings.offsets[0] - 8 * strings.count
        self.init(count: strings.count, byteCount: byteCount) { body in
            strings.forEachBytes { _, bytes in body(bytes) }
        }
    }
}

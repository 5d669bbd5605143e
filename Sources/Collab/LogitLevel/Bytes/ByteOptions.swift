// What a model writes is told by its vocabulary, whatever is around it: a fusion, a formula, a constraint.

extension Tokenizer {
    /// Whether the tokens are bytes.
    var isByByte: Bool { fingerprint == ByteTokenizer().fingerprint }

    /// How many tokens an answer has at most when nobody says.
    var usualLimit: Int { isByByte ? 2048 : Generation.defaultLimit }
}

extension GenerationOptions {
    /// Throws ``CollabError/Code/invalidRequest`` for what makes no sense, by itself or in a vocabulary: a repetition
    /// penalty where tokens are bytes.
    func validate(for tokenizer: any Tokenizer) throws(CollabError) {
        try validate()
        if sampling.repetitionPenalty != 1, tokenizer.isByByte {
            throw CollabError(
                .invalidRequest,
                "A repetition penalty would penalise letters where text is written byte by byte; leave it at 1."
            )
        }
    }
}

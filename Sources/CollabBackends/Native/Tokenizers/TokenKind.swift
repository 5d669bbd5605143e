/// What a token of a vocabulary stands for; the raw values are those of GGUF's `tokenizer.ggml.token_type`.
enum TokenKind: UInt8, Sendable {
    /// A piece of text, found by merging.
    case normal = 1
    /// Stands for what the vocabulary cannot spell.
    case unknown = 2
    /// Steers the model: beginning of sequence, end of a turn, and the like.
    case control = 3
    /// A piece of text that is cut out whole before merging begins.
    case userDefined = 4
    /// A piece of text that the model was not trained on.
    case unused = 5
    /// One byte, for characters without a token.
    case byte = 6

    /// Whether merging may arrive at the token.
    ///
    /// Control, unknown and byte tokens have names such as `<s>` or `<0x0A>`; the same letters in a text are text.
    var isReachableByMerging: Bool {
        switch self {
        case .normal, .userDefined, .unused: true
        case .unknown, .control, .byte: false
        }
    }

    /// Whether the token has no text of its own.
    var isControl: Bool {
        switch self {
        case .unknown, .control: true
        case .normal, .userDefined, .unused, .byte: false
        }
    }
}

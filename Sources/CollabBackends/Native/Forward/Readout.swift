import Collab

/// What a step hands out after a position.
enum ReadoutKind: Hashable, Sendable {
    /// The logits of the next token.
    case logits
    /// So many of the largest logits of the next token, with the logarithm of the sum of all exponentials or without.
    case top(Int, normalized: Bool)
    /// The log-probability of the token that follows in the sequence.
    case logprob
    /// The residual stream after the final norm.
    case hidden
}

/// What is wanted of a sequence: a kind of output after each of some positions.
struct Readout: Sendable {
    var kind: ReadoutKind = .logits
    /// The positions after which output is wanted.
    var positions: Range<Int> = 0..<0
}

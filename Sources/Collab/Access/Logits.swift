internal import CollabKernels

/// Unnormalised log-probabilities of the next token, one for each id of the vocabulary.
public struct Logits: Sendable {
    /// The values; index by token id.
    public var values: [Float]

    /// Makes logits from values.
    public init(_ values: [Float]) {
        self.values = values
    }

    /// How many tokens the vocabulary has.
    public var count: Int { values.count }

    /// The value of a token.
    public subscript(token: TokenID) -> Float {
        get { values[Int(token)] }
        set { values[Int(token)] = newValue }
    }
}

extension Logits {
    /// The natural log-probability of a token: its logit less log Σ exp of all, computed in double precision; −∞ for one
    /// that is not in the row.
    func logprob(of token: TokenID) -> Double {
        guard values.indices.contains(Int(token)) else { return -.infinity }
        return Double(self[token]) - values.withUnsafeBufferPointer { Distribution.logSumExp($0) }
    }
}

internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What members that take turns at guessing keep of plain fusion where tokens are drawn.
public enum GuessAgreement: Hashable, Sendable {
    /// The answer itself: a guess counts if it is the token that is drawn without it. A seed gives one answer, with and
    /// without guesses.
    case sameAnswer
    /// The answer's distribution: a guess x that a member has drawn from q counts with probability min(1, r(x) / q(x)),
    /// and otherwise the token is drawn from what r has beyond q (Y. Leviathan et al., *Fast Inference from Transformers
    /// via Speculative Decoding*, 2023). No rule accepts more guesses, but the answer of a seed depends on what was
    /// guessed. Rules other than a temperature alone are kept to as by ``sameAnswer``.
    case sameDistribution
}

/// Decides about guesses that were drawn.
struct GuessJudge {
    /// 1/T.
    private let scale: Float

    /// `nil` for a rule that draws from anything but the whole distribution.
    init?(_ sampling: Sampling) {
        guard sampling.temperature > 0, sampling.topK == nil, sampling.topP == 1, sampling.minP == 0,
            sampling.repetitionPenalty == 1
        else { return nil }
        scale = Float(1 / sampling.temperature)
        if !scale.isFinite { return nil }
    }

    /// The token that comes in the place of a guess: the guess itself, or one from what the target has beyond the
    /// proposer. `nil` if one of the rows gives no distribution.
    ///
    /// The guess must have been drawn from the proposer's row, by numbers that have nothing to do with the generator's.
    func token(
        for guess: TokenID,
        target: Logits,
        proposer: Logits,
        _ generator: inout SeededGenerator
    ) -> TokenID? {
        let place = Int(guess)
        guard place < target.count, target.count == proposer.count else { return nil }
        guard let wanted = Shares(target.values, scale),
            let proposed = Shares(proposer.values, scale)
        else { return nil }
        let (coin, unit) = (generator.nextUnit(), generator.nextUnit())
        let ratio = wanted.logarithm(at: place) - proposed.logarithm(at: place)
        if log(max(coin, 1e-300)) < Double(ratio) { return guess }
        let (r, q) = (wanted.probabilities, proposed.probabilities)
        let total = zip(r, q).reduce(0.0) { $0 + Double(max($1.0 - $1.1, 0)) }
        // Equal distributions differ by rounding alone.
        guard total > 0 else { return guess }
        var left = unit * total
        var last: Int?
        for index in r.indices where r[index] > q[index] {
            last = index
            left -= Double(r[index] - q[index])
            if left < 0 { break }
        }
        return last.map { TokenID($0) }
    }

    /// A row's probabilities at a temperature.
    private struct Shares {
        let values: [Float]
        let scale: Float
        let maximum: Float
        /// The logarithm of Σ e^((x − maximum)/T).
        let logSum: Float

        init?(_ values: [Float], _ scale: Float) {
            let sum = values.withUnsafeBufferPointer { row -> (Float, Double)? in
                guard let top = Distribution.argmax(row), row[top].isFinite else { return nil }
                return (row[top], Distribution.exponentialSum(row, maximum: row[top], scale: scale))
            }
            guard let (maximum, sum) = sum, sum > 0, sum.isFinite else { return nil }
            (self.values, self.scale, self.maximum, logSum) = (values, scale, maximum, Float(log(sum)))
        }

        func logarithm(at index: Int) -> Float { (values[index] - maximum) * scale - logSum }

        var probabilities: [Float] {
            let count = values.count
            let shifted = [Float](unsafeUninitializedCapacity: count) { out, initialized in
                for index in 0..<count { out[index] = logarithm(at: index) }
                initialized = count
            }
            return [Float](unsafeUninitializedCapacity: count) { out, initialized in
                shifted.withUnsafeBufferPointer { row in
                    if let source = row.baseAddress, let target = out.baseAddress {
                        VectorKernels.exp(source, count: count, into: target)
                    }
                }
                initialized = count
            }
        }
    }
}

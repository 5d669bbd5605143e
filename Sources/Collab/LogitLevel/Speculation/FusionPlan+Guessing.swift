internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension FusionPlan {
    /// The logits from which a member guesses what the fusion will choose: its own, made as like the fused ones as it can
    /// know them.
    ///
    /// A sum of weights other than 1 sharpens the fused distribution, and so it does guesses. What a member's own row would
    /// not let pass as the fusion's mask is left out, for a guess that is masked out is never right: for the member that
    /// the mask goes by it is the mask itself, for others an opinion. Guesses are drawn from the row that this gives and
    /// judged by it, so it changes how many are right and no answer.
    func proposal(from row: Logits) -> Logits {
        let sharpness = sharpness
        guard let places = row.values.withUnsafeBufferPointer({ plausiblePlaces(in: $0) }), !places.isEmpty
        else {
            return sharpness == 1 ? row : Logits(row.values.map { $0 * sharpness })
        }
        var values = [Float](repeating: -.infinity, count: row.count)
        for place in places { values[place] = row.values[place] * sharpness }
        return Logits(values)
    }

    private var sharpness: Float {
        let sum = combination == .logLinear ? weights.reduce(0, +) : 1
        return sum > 0 && abs(sum - 1) > 1e-6 ? Float(sum) : 1
    }

    /// The tokens that the mask would let pass if all members' rows were this one; `nil` for all.
    private func plausiblePlaces(in row: UnsafeBufferPointer<Float>) -> [Int]? {
        guard let favourite = Distribution.argmax(row), row[favourite].isFinite else { return nil }
        let largest = row[favourite]
        switch mask {
        case .none, .automatic: return nil
        case .plausibility(let alpha, _):
            return alpha > 0
                ? Distribution.places(atLeast: Float(Double(largest) + log(alpha)), in: row) : nil
        case .nucleus(let mass, _):
            return Shortlist(of: row, maximum: largest, scale: 1, sampling: Sampling(topP: mass)).tokens
        case .sharedTop(let count): return Distribution.topK(count, of: row).map(\.index)
        }
    }
}

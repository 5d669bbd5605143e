internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The tokens that top-k, top-p and min-p leave over, most probable first.
///
/// Only as many tokens are ordered as are needed to see where the list ends.
struct Shortlist {
    private(set) var tokens: [Int] = []
    /// e^((x − maximum)/T) of each.
    private(set) var weights: [Double] = []

    /// Applies top-k, top-p and min-p, in this order, to logits divided by a temperature.
    ///
    /// - Parameters:
    ///   - maximum: the largest logit.
    ///   - scale: 1/T.
    init(of values: UnsafeBufferPointer<Float>, maximum: Float, scale: Float, sampling: Sampling) {
        if let limit = sampling.topK {
            take(limit, of: values, maximum: maximum, scale: scale)
            cutTopP(sampling)
        } else {
            let goal =
                sampling.topP * Distribution.exponentialSum(values, maximum: maximum, scale: scale)
            var limit = 64
            var isComplete = false
            while !isComplete {
                take(limit, of: values, maximum: maximum, scale: scale)
                let isWhole = tokens.count < limit
                isComplete = cut(atMass: goal) || isWhole || (weights.last ?? 0) < sampling.minP
                limit *= 8
            }
        }
        cutMinP(sampling)
    }

    /// Applies top-k, top-p and min-p to the largest logits, of which there are at least k.
    init(of entries: [TopTokens.Entry], scale: Float, sampling: Sampling) {
        let kept = entries.prefix(sampling.topK ?? entries.count).filter { $0.logit > -.infinity }
        let maximum = kept.first?.logit ?? 0
        tokens = kept.map { Int($0.token) }
        weights = kept.map { Self.weight($0.logit, maximum: maximum, scale: scale) }
        cutTopP(sampling)
        cutMinP(sampling)
    }

    private mutating func cutTopP(_ sampling: Sampling) {
        if sampling.topP < 1 { _ = cut(atMass: sampling.topP * weights.reduce(0, +)) }
    }

    private mutating func cutMinP(_ sampling: Sampling) {
        if let end = weights.firstIndex(where: { $0 < sampling.minP }) { keep(max(1, end)) }
    }

    private static func weight(_ logit: Float, maximum: Float, scale: Float) -> Double {
        exp(Double((logit - maximum) * scale))
    }

    private mutating func take(
        _ limit: Int,
        of values: UnsafeBufferPointer<Float>,
        maximum: Float,
        scale: Float
    ) {
        let top = Distribution.topK(limit, of: values).filter { $0.value > -.infinity }
        tokens = top.map(\.index)
        weights = top.map { Self.weight($0.value, maximum: maximum, scale: scale) }
    }

    /// Cuts behind the token with which the mass reaches a goal; false if it never does.
    private mutating func cut(atMass goal: Double) -> Bool {
        var mass = 0.0
        for (index, weight) in weights.enumerated() {
            mass += weight
            if mass >= goal {
                keep(index + 1)
                return true
            }
        }
        return false
    }

    private mutating func keep(_ count: Int) {
        tokens.removeSubrange(count...)
        weights.removeSubrange(count...)
    }

    /// Draws a token with a number from 0 up to, not including, 1.
    func draw(_ unit: Double) -> Int? {
        var left = unit * weights.reduce(0, +)
        for (token, weight) in zip(tokens, weights) {
            left -= weight
            if left < 0 { return token }
        }
        return tokens.last
    }
}

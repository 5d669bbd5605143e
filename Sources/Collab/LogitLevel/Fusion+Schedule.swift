#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension Fusion {
    /// How strongly a fusion changes its base's distribution as the answer grows.
    ///
    /// At strength s the weights are w_base + s (w − w_base), where w_base is 1 for the base and 0 for all others: 0 is
    /// the base alone, 1 the rule as written, and more than 1 goes beyond it. Rules that are no weighted sums are taken
    /// in the same way as one distribution: (1 − s) ℓ_base + s ℓ_rule.
    public enum Schedule: Hashable, Sendable, Codable {
        /// Always the rule as written.
        case constant
        /// The rule as written for the first tokens, then the base alone.
        case first(Int)
        /// From one strength to another, in equal steps over the first tokens, and the latter from then on.
        case ramp(from: Double, to: Double, over: Int)
        /// 2^(−t/h) after t tokens.
        case decay(halfLife: Double)
        /// One strength a token; the last one goes on.
        case steps([Double])

        /// The strength for the token after so many.
        public func strength(after written: Int) -> Double {
            switch self {
            case .constant: 1
            case .first(let count): written < count ? 1 : 0
            case .ramp(let first, let last, let count):
                written >= count ? last : first + (last - first) * Double(written) / Double(count)
            case .decay(let halfLife): exp2(-Double(written) / halfLife)
            case .steps(let strengths): strengths.isEmpty ? 1 : strengths[min(written, strengths.count - 1)]
            }
        }

        /// What is wrong with it, if anything.
        var fault: String? {
            switch self {
            case .constant: nil
            case .first(let count): count < 0 ? "lasts for \(count) tokens" : nil
            case .ramp(let first, let last, let count):
                if count < 1 {
                    "changes over \(count) tokens; the least is 1"
                } else {
                    first.isFinite && last.isFinite ? nil : "has a strength that is no finite number"
                }
            case .decay(let halfLife): halfLife > 0 ? nil : "has a half-life of \(halfLife) tokens"
            case .steps(let strengths):
                if strengths.isEmpty {
                    "has no strengths"
                } else {
                    strengths.allSatisfy(\.isFinite) ? nil : "has a strength that is no finite number"
                }
            }
        }

        /// Whether it may come to leave the base alone.
        var maySleep: Bool {
            switch self {
            case .constant, .decay: false
            case .first: true
            case .ramp(let first, let last, _): first == 0 || last == 0
            case .steps(let strengths): strengths.contains(0)
            }
        }
    }
}

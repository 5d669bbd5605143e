/// What a server tells of a next-token distribution: the most probable tokens, and nothing of the rest.
///
/// Tokens are known by their bytes, so that members of different servers can be compared; a token that ends the answer
/// has none. A token that is not listed is at most as probable as the least probable one that is, and all of them
/// together have the mass that is left. Control tokens that end nothing have no bytes to be known by and count as not
/// listed.
public struct PartialDistribution: Hashable, Sendable {
    /// A token and its probability.
    public struct Entry: Hashable, Sendable {
        /// The token's bytes; none for an end of the answer.
        public var bytes: [UInt8]
        /// Natural logarithm of its probability.
        public var logprob: Double

        /// Makes an entry.
        public init(bytes: [UInt8], logprob: Double) {
            self.bytes = bytes
            self.logprob = logprob
        }
    }

    /// The tokens that are listed, most probable first.
    public let entries: [Entry]
    /// How probable all other tokens are together.
    ///
    /// Probabilities are rounded on their way, so a list may sum to 1 although others are possible: unless all tokens are
    /// listed, it is at least 10⁻⁷.
    public let unseenMass: Double
    /// How probable another token is at most.
    public let unseenBound: Double
    /// Whether a probability had to be assumed, so that nothing that is made of it is certain.
    public let isAssumed: Bool
    /// Whether a log-probability is NaN or +∞, so that nothing can be made of it.
    let isBroken: Bool
    private let logprobs: [[UInt8]: Double]

    /// By how much a sum of rounded probabilities may be wrong.
    private static let rounding = 1e-7

    /// Makes a distribution of what is listed. Tokens of equal bytes are one.
    ///
    /// - Parameters:
    ///   - listed: the tokens.
    ///   - unnamed: the log-probabilities of listed tokens whose bytes are not known, which count as not listed.
    ///   - isWhole: whether all tokens are listed, so that no other is possible.
    ///   - isAssumed: whether a probability had to be assumed.
    public init(
        _ listed: [Entry],
        unnamed: [Double] = [],
        isWhole: Bool = false,
        isAssumed: Bool = false
    ) {
        self.isAssumed = isAssumed
        isBroken = !(listed.map(\.logprob) + unnamed).allSatisfy { $0 < .infinity }
        var logprobs: [[UInt8]: Double] = [:]
        var least = unnamed.min() ?? .infinity
        for entry in listed {
            least = min(least, entry.logprob)
            if let known = logprobs[entry.bytes] {
                let top = max(known, entry.logprob)
                if top == -.infinity { continue }
                logprobs[entry.bytes] = top + log(exp(known - top) + exp(entry.logprob - top))
            } else {
                logprobs[entry.bytes] = entry.logprob
            }
        }
        self.logprobs = logprobs
        entries = logprobs.map { Entry(bytes: $0.key, logprob: $0.value) }.sortedByLogprob
        let seen = logprobs.values.reduce(0) { $0 + exp($1) }
        let isOpen = !isWhole || !unnamed.isEmpty
        unseenMass = isOpen ? min(max(1 - seen, Self.rounding), 1) : 0
        unseenBound = isOpen ? min(exp(max(least, unnamed.max() ?? least)), unseenMass) : 0
    }

    /// The natural logarithm of a listed token's probability.
    public func logprob(of bytes: [UInt8]) -> Double? { logprobs[bytes] }
}

extension [PartialDistribution.Entry] {
    /// The most probable first, equal ones by their bytes.
    var sortedByLogprob: Self {
        sorted {
            $0.logprob != $1.logprob ? $0.logprob > $1.logprob : $0.bytes.lexicographicallyPrecedes($1.bytes)
        }
    }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

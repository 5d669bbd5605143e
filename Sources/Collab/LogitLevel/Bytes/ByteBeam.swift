/// A sequence of tokens that a model has read, with what it expects next.
///
/// The decoder is only forked, never moved, so that all places of a text that share it stay valid.
struct ByteContext: Sendable {
    let decoder: any Decoder
    let masses: NextTokenMasses
}

/// One way in which a text may be cut into tokens: whole tokens that the model has read, then some first bytes of a
/// token that is not complete yet.
struct ByteHypothesis: Sendable {
    var context: ByteContext
    var partial: ByteLexicon.Prefix
    /// The probability of the whole tokens, in units in which the text so far has probability 1.
    var weight: Double
}

/// All segmentations of a text that are still followed, and the next-byte distribution that they give together.
///
/// With P the model's law over tokens and κ their bytes, a text s has the probability
///
///     P(s) = Σ P(t₁ … tₖ)  over all t₁ … tₖ of which κ(t₁ … tₖ) begins with s, but κ(t₁ … tₖ₋₁) does not reach its end
///
/// and the next byte b has P(sb)/P(s) (T. Vieira et al., *From Language Models over Tokens to Language Models over
/// Characters*, 2024). Every probability is conserved: P(s) = Σ_b P(sb) + P(s, end).
struct ByteBeam: Sendable {
    let hypotheses: [ByteHypothesis]
    /// The probabilities of the 256 bytes and of the end; they sum to 1.
    let distribution: [Double]

    /// Puts hypotheses together, in any common unit of weight; `nil` if they have no probability.
    init?(_ hypotheses: [ByteHypothesis], _ lexicon: ByteLexicon) {
        var sums = [Double](repeating: 0, count: 257)
        for hypothesis in hypotheses {
            let (weight, masses) = (hypothesis.weight, hypothesis.context.masses)
            lexicon.forEachChild(of: hypothesis.partial) { byte, places in
                sums[Int(byte)] += weight * masses.sum(places)
            }
            // A text ends between tokens only.
            if hypothesis.partial.length == 0 { sums[256] += weight * masses.stop }
        }
        let total = sums.reduce(0, +)
        guard total > 0, total.isFinite else { return nil }
        distribution = sums.map { $0 / total }
        self.hypotheses = hypotheses.map { hypothesis in
            var hypothesis = hypothesis
            hypothesis.weight /= total
            return hypothesis
        }
    }

    /// The same place of the text, read by other decoders.
    func replacingDecoders(_ decoders: [any Decoder]) -> ByteBeam {
        ByteBeam(
            hypotheses: zip(hypotheses, decoders).map { hypothesis, decoder in
                var hypothesis = hypothesis
                hypothesis.context = ByteContext(decoder: decoder, masses: hypothesis.context.masses)
                return hypothesis
            },
            distribution: distribution
        )
    }

    private init(hypotheses: [ByteHypothesis], distribution: [Double]) {
        self.hypotheses = hypotheses
        self.distribution = distribution
    }

    /// The logarithms of the distribution over what makes UTF-8: whatever the tokens, no byte that cannot come at a place of
    /// a character, and no end within one. `nil` if nothing is left.
    func logits(at place: CharacterPlace) -> Logits? {
        func isPossible(_ symbol: Int) -> Bool {
            UInt8(exactly: symbol).map { place.allows($0) } ?? place.isWhole
        }
        let kept = distribution.enumerated().map { isPossible($0.offset) ? $0.element : 0 }
        let sum = kept.reduce(0, +)
        guard sum > 0 else { return nil }
        return Logits(kept.map { Float(naturalLogarithm($0 / sum)) })
    }
}

extension ByteBeam {
    /// A segmentation of the text with one more byte.
    struct Candidate: Sendable {
        /// Which hypothesis it comes from.
        var parent: Int
        /// The token that the byte completes; `nil` if the token under way goes on.
        var token: TokenID?
        /// The bytes of the token under way.
        var partial: ByteLexicon.Prefix
        var weight: Double
        /// The part of the text's probability that goes this way.
        var mass: Double
    }

    /// All segmentations of the text with one more byte; their masses sum to the byte's probability.
    func candidates(_ byte: UInt8, _ lexicon: ByteLexicon) -> [Candidate] {
        var candidates: [Candidate] = []
        for (parent, hypothesis) in hypotheses.enumerated() {
            guard let partial = lexicon.child(of: hypothesis.partial, byte) else { continue }
            let masses = hypothesis.context.masses
            let going = hypothesis.weight * masses.sum(lexicon.longer(partial))
            if going > 0 {
                candidates.append(
                    Candidate(parent: parent, partial: partial, weight: hypothesis.weight, mass: going)
                )
            }
            for place in lexicon.complete(partial) {
                let mass = hypothesis.weight * masses[place]
                if mass > 0 {
                    candidates.append(
                        Candidate(
                            parent: parent,
                            token: lexicon.tokens[place],
                            partial: lexicon.root,
                            weight: mass,
                            mass: mass
                        )
                    )
                }
            }
        }
        return candidates
    }
}

extension BytePruning {
    /// The candidates worth following, in their order, and the share of the mass that the others had.
    func kept(_ candidates: [ByteBeam.Candidate]) -> (kept: [ByteBeam.Candidate], droppedShare: Double) {
        let total = candidates.reduce(0) { $0 + $1.mass }
        guard let largest = candidates.map(\.mass).max(), total > 0 else { return (candidates, 0) }
        var kept = candidates.filter { $0.mass >= threshold * total || $0.mass == largest }
        if kept.count > maximumHypotheses {
            let best = kept.indices.sorted { (kept[$1].mass, $0) < (kept[$0].mass, $1) }
            kept = best.prefix(maximumHypotheses).sorted().map { kept[$0] }
        }
        if kept.count == candidates.count { return (candidates, 0) }
        return (kept, max(0, 1 - kept.reduce(0) { $0 + $1.mass } / total))
    }
}

extension Fusion {
    /// Σ wᵢ ℓᵢ with the weights as written.
    public static func logLinear(weights: [Double]) -> Fusion {
        Fusion("log-linear", .logLinear, weights: .asWritten(weights))
    }

    /// log Σ (wᵢ/Σw) pᵢ; no weight may be negative.
    public static func linear(weights: [Double]) -> Fusion {
        Fusion("linear", .linear, weights: .normalised(weights))
    }

    /// The geometric mean of the members' distributions: 1/k Σ ℓᵢ.
    ///
    /// G. Hinton, *Training Products of Experts by Minimizing Contrastive Divergence*, 2002; with exponents that sum
    /// to 1 it is the distribution with the least mean divergence KL(r‖pᵢ) from the members.
    public static let productOfExperts = Fusion("product of experts", .logLinear, weights: .equal)

    /// The geometric mean of the members' distributions, weighted: Σ wᵢ ℓᵢ with the weights as written.
    ///
    /// Weights that sum to more than 1 sharpen the result: all 1 is the plain product.
    public static func productOfExperts(weights: [Double]) -> Fusion {
        Fusion("product of experts", .logLinear, weights: .asWritten(weights))
    }

    /// The mean of the members' distributions: log 1/k Σ pᵢ.
    ///
    /// R. Jacobs et al., *Adaptive Mixtures of Local Experts*, 1991, with constant gates.
    public static let mixture = Fusion("mixture", .linear, weights: .equal)

    /// The weighted mean of the members' distributions: log Σ (wᵢ/Σw) pᵢ.
    public static func mixture(weights: [Double]) -> Fusion {
        Fusion("mixture", .linear, weights: .normalised(weights))
    }

    /// Contrastive decoding of an expert and an amateur, in this order: (1 + β) ℓ_expert − β ℓ_amateur over the
    /// tokens v with p_expert(v) ≥ α max p_expert.
    ///
    /// S. O'Brien and M. Lewis, *Contrastive Decoding Improves Reasoning in Large Language Models*, 2023. The
    /// original of X. L. Li et al., *Contrastive Decoding*, 2022, is ``logLinear(weights:)`` with 1 and −1 and the
    /// same mask.
    public static func contrastive(alpha: Double = 0.1, beta: Double = 0.5) -> Fusion {
        Fusion(
            "contrastive",
            .logLinear,
            weights: .asWritten([1 + beta, -beta]),
            mask: .plausibility(alpha: alpha, of: .member(0))
        )
    }

    /// Context-aware decoding of one model with and without a context, in this order: (1 + α) ℓ_with − α ℓ_without.
    ///
    /// W. Shi et al., *Trusting Your Evidence: Hallucinate Less with Context-aware Decoding*, 2023. The paper has no
    /// mask; small models degenerate without one from α = 1 on, so the automatic mask applies here.
    public static func contextAware(alpha: Double = 0.5) -> Fusion {
        Fusion("context-aware", .logLinear, weights: .asWritten([1 + alpha, -alpha]), base: 0)
    }

    /// Classifier-free guidance of a conditional and an unconditional member, in this order:
    /// ℓ_u + γ (ℓ_c − ℓ_u).
    ///
    /// G. Sanchez et al., *Stay on Topic with Classifier-Free Guidance*, 2023. With a negative prompt in place of the
    /// unconditional member it steers away from that. γ = 1 is the conditional member alone.
    public static func guidance(gamma: Double = 1.5) -> Fusion {
        Fusion("guidance", .logLinear, weights: .asWritten([gamma, 1 - gamma]), base: 0)
    }

    /// A base steered by an expert and an anti-expert, in this order: ℓ_b + a (ℓ_e − ℓ_a).
    ///
    /// A. Liu et al., *DExperts: Decoding-Time Controlled Text Generation with Experts and Anti-Experts*, 2021, who
    /// keep the base's nucleus: `.masked(by: .nucleus(topP: 0.9, of: 0))`.
    public static func dexperts(strength: Double = 2) -> Fusion {
        Fusion("DExperts", .logLinear, weights: .asWritten([1, strength, -strength]), base: 0)
    }

    /// A large base steered by what tuning did to a small model; members: base, tuned small, untuned small:
    /// ℓ_b + a (ℓ_tuned − ℓ_untuned).
    ///
    /// A. Liu et al., *Tuning Language Models by Proxy*, 2024; a = 1 there.
    public static func proxyTuning(strength: Double = 1) -> Fusion {
        Fusion("proxy tuning", .logLinear, weights: .asWritten([1, strength, -strength]), base: 0)
    }
}

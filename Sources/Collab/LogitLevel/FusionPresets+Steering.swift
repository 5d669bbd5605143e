extension Fusion {
    /// A large base tuned in emulation; members: base, untuned small, and one or more tuned small ones:
    /// ℓ_base + Σ λⱼ (ℓ_tuned,ⱼ − ℓ_untuned).
    ///
    /// E. Mitchell et al., *An Emulator for Fine-Tuning Large Language Models using Small Language Models*, 2023. One
    /// λ = 1 is their up-scaling (``proxyTuning(strength:)`` with the members in another order); several interpolate
    /// between behaviours, such as helpfulness and harmlessness, without training.
    ///
    /// - Parameter interpolating: λ of each tuned model.
    public static func emulatedFineTuning(interpolating strengths: [Double] = [1]) -> Fusion {
        Fusion(
            "emulated fine-tuning",
            .logLinear,
            weights: .asWritten([1, -strengths.reduce(0, +)] + strengths),
            base: 0
        )
    }

    /// The union of language-model arithmetic: max ℓᵢ, renormalised. What any member finds likely can be written.
    ///
    /// J. Dekoninck et al., *Controlled Text Generation via Language Model Arithmetic*, 2024. As fusions nest, it can
    /// stand in formulas: `base - 0.6 * FusedModel(nil, .union, members: [toxic, rude])`.
    public static let union = Fusion("union", .maximum, weights: .equal)

    /// The intersection of language-model arithmetic: min ℓᵢ, renormalised. What all members find likely can be written.
    ///
    /// J. Dekoninck et al., *Controlled Text Generation via Language Model Arithmetic*, 2024.
    public static let intersection = Fusion("intersection", .minimum, weights: .equal)

    /// Σ λᵢ ℓᵢ with λ = softmax(−Lᵢ/τ) of each member's mean loss Lᵢ over its prompt.
    ///
    /// C. Mavromatis et al., *Pack of LLMs: Model Fusion at Test-Time via Perplexity Optimization*, 2024 (PackLLM-sim):
    /// who knows the prompt best has most to say.
    public static func packLLM(temperature: Double = 1) -> Fusion {
        Fusion("PackLLM", .logLinear, weights: .byPromptPerplexity(temperature: temperature))
    }

    /// Σ wᵢ ℓᵢ with wᵢ = e^(−Hᵢ/τ) / Σⱼ e^(−Hⱼ/τ) of each member's entropy Hᵢ = −Σ pᵢ ln pᵢ at the token: who is surest
    /// has most to say.
    ///
    /// No paper defines it so; it is our own: the weights of ``packLLM(temperature:)``, which go by the prompt, renewed at
    /// every token by what the members know of it before it is written.
    ///
    /// - Parameter temperature: τ, in nats; the smaller, the more the surest member decides alone.
    public static func entropyWeighted(temperature: Double = 1) -> Fusion {
        Fusion("entropy-weighted", .logLinear, weights: .byEntropy(temperature: temperature))
    }

    /// The mixture of the members' texts, rather than of their next tokens: log Σ wᵢ pᵢ with wᵢ = πᵢ Pᵢ / Σⱼ πⱼ Pⱼ, where
    /// πᵢ is the prior and Pᵢ = Π pᵢ(token) how probable member i has found what is written.
    ///
    /// It is from no paper on language models but Bayes' rule: the text P = Σ πᵢ Pᵢ(text) has these conditional
    /// distributions. A ``mixture`` with constant weights is another text, biased locally; R. S. M. Chan et al., *Ensembling
    /// Language Models with Sequential Monte Carlo*, 2026 (arXiv 2603.05432), tell the two apart for any rule.
    ///
    /// - Parameter priors: π, the weights at the beginning.
    public static func posteriorMixture(priors: [Double]) -> Fusion {
        Fusion("posterior mixture", .linear, weights: .posterior(priors))
    }

    /// A base guarded at the beginning of its answer by a member that was tuned for safety, in this order:
    /// p_b + α (p_e − p_b), at least 10⁻⁸, over tokens that both find likely, for the first tokens; then the base alone.
    ///
    /// Z. Xu et al., *SafeDecoding: Defending against Jailbreak Attacks via Safety-Aware Decoding*, 2024, with their
    /// α = 3, 2 tokens and 5 candidates. Extrapolating probabilities is only safe because it does not last.
    public static func safeDecoding(alpha: Double = 3, tokens: Int = 2, common: Int = 5) -> Fusion {
        Fusion(
            "SafeDecoding",
            .extrapolation,
            weights: .asWritten([1 - alpha, alpha]),
            mask: .sharedTop(common),
            base: 0,
            schedule: .first(tokens)
        )
    }

    /// A base steered by class-conditional members: base, desired class, undesired class:
    /// ℓ_b + ω log P(desired | text and token).
    ///
    /// B. Krause et al., *GeDi: Generative Discriminator Guided Sequence Generation*, 2020; ω = 30 there. By Bayes' rule
    /// the two small members, one for each class, tell which of them the text so far and the next token belong to, with
    /// equal priors and log-likelihoods in the mean over tokens. In place of their filter the usual mask keeps out what
    /// the base finds implausible.
    public static func classConditional(strength: Double = 30) -> Fusion {
        Fusion(
            "class-conditional",
            .classConditional,
            weights: .asWritten([1, strength, -strength]),
            base: 0
        )
    }

    /// A base that leaves tokens to an expert, in this order, where a gate says so.
    ///
    /// With ``Gate/learned(_:)`` it is the gate of S. Shen et al., *Learning to Decode Collaboratively with Multiple
    /// Language Models* (Co-LLM), 2024; with ``Gate/confidence(below:)`` it is the rule of nudging, token by token. The
    /// expert is run where it is asked, and reads what was written in between at once.
    public static func deferral(where gate: Gate) -> Fusion {
        Fusion("deferral", .linear, weights: .asWritten([0, 1]), base: 0, gate: gate)
    }

    /// A mixture over the tokens that are among the k most probable ones of every member; k grows until there are k.
    ///
    /// Y. Yao et al., *Determine-Then-Ensemble* (UniTE), 2024, look at the most probable tokens of each alone as well; an
    /// intersection keeps out what only one of them knows.
    public static func sharedTop(_ count: Int = 10) -> Fusion {
        Fusion("shared top \(count)", .linear, weights: .equal, mask: .sharedTop(count))
    }
}

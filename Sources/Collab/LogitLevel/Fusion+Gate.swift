extension Fusion {
    /// At which tokens a fusion changes its base's distribution.
    ///
    /// All gates but ``disagreement(above:)`` look at the base alone, so the other members are run only where the gate
    /// is open: they read what was written in between at once.
    public enum Gate: Hashable, Sendable, Codable {
        /// At all.
        case always
        /// Where the base's distribution has more entropy than this, in nats: H = −Σ p ln p > h.
        ///
        /// After T. Simonds, *Entropy Adaptive Decoding: Dynamic Model Switching for Efficient Inference*, 2025 (arXiv
        /// 2502.06833), who switches models where the mean of the last tokens' entropies is high; here each token is
        /// looked at by itself.
        case entropy(above: Double)
        /// Where the base's favourite is less probable than this: max p < γ.
        ///
        /// The threshold of Y. Yu et al., *Breaking the Ceiling of the LLM Community by Treating Token Generation as a
        /// Classification for Ensembling* (GaC), 2024 (arXiv 2406.12585), and of Y. Fei et al., *Nudging: Inference-time
        /// Alignment of LLMs via Guided Decoding*, 2024 (arXiv 2410.09300).
        case confidence(below: Double)
        /// Where the trace of the Fisher information that the base's token carries about its logits,
        /// tr(diag p − p pᵀ) = 1 − Σ p², is above this: how far the distribution gives way when logits change. It lies
        /// between 0 and 1.
        ///
        /// No paper gates by it; it is our own. The same number is known as the Gini–Simpson index: how probably two draws
        /// from the distribution differ. Unlike the entropy it hardly counts how long the tail is.
        case fisher(above: Double)
        /// Where the total variation distance of a member's distribution from the base's is above this:
        /// max ½ Σ |pᵢ − p_base| > d.
        ///
        /// No paper gates by this distance; it is our own. H. Yun et al., *When to Ensemble: Identifying Token-Level Points
        /// for Stable and Fast LLM Ensembling* (SAFE), 2025 (arXiv 2510.15346), also go by how far the members'
        /// distributions agree, and besides by where their tokens end.
        case disagreement(above: Double)
        /// Where a gate that was learned from examples says so: σ(b + Σ aⱼ fⱼ) above a threshold, after Co-LLM; see
        /// ``LearnedGate``.
        case learned(LearnedGate)

        /// Whether nothing but the base's distribution is looked at.
        var looksAtBaseAlone: Bool { if case .disagreement = self { false } else { true } }

        /// What is wrong with it, if anything.
        var fault: String? {
            switch self {
            case .always: nil
            case .entropy(let level), .confidence(let level), .fisher(let level), .disagreement(let level):
                level.isNaN ? "has a level that is NaN" : nil
            case .learned(let gate): gate.fault
            }
        }

        /// Whether the base's distribution opens it.
        func isOpen(_ outlook: @autoclosure () -> Outlook) -> Bool {
            switch self {
            case .always, .disagreement: true
            case .entropy(let level): outlook().entropy > level
            case .confidence(let level): outlook().confidence < level
            case .fisher(let level): outlook().fisher > level
            case .learned(let gate): gate.isOpen(outlook())
            }
        }
    }
}

extension Fusion.Gate: CustomStringConvertible {
    /// The gate in a few words.
    public var description: String {
        switch self {
        case .always: "always"
        case .entropy(let level): "the base's entropy is above \(decimal(level))"
        case .confidence(let level): "the base's favourite is less probable than \(decimal(level))"
        case .fisher(let level): "the base's Fisher information is above \(decimal(level))"
        case .disagreement(let level):
            "a member's distribution is further than \(decimal(level)) from the base's"
        case .learned(let gate): "a learned gate is above \(decimal(gate.threshold))"
        }
    }
}

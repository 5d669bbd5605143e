/// Notes in the trace what was fused.
struct FusionNotes {
    let plan: FusionPlan
    let names: [String]
    let statistics: FusionStatistics

    /// Notes what was fused: the formula, the mask, how often the fusion changed the base's favourite, for each member
    /// the share of the tokens that it would have written itself, with its mean divergence, and what it added to the
    /// tokens that were written; and warns where the answer may have lost its coherence.
    func record() {
        Run.note("formula", plan.formula(names))
        if let mask = plan.maskDescription(names) { Run.note("mask", mask) }
        if plan.gate != .always { Run.note("gate", plan.gate) }
        Run.note("tokens", statistics.steps)
        guard statistics.steps > 0 else { return }
        let steps = Double(statistics.steps)
        Run.note(
            "interventions",
            """
            \(decimal(Double(statistics.interventions) / steps)) \
            (\(statistics.interventions) of \(statistics.steps) steps changed the favourite of \(names[plan.reference]))
            """
        )
        if statistics.leftAlone > 0 {
            Run.note(
                "left to \(names[plan.reference])",
                "\(statistics.leftAlone) of \(statistics.steps) tokens"
            )
        }
        Run.note("entropy", "\(decimal(statistics.entropy / steps, places: 3)) nats a token")
        let shares = names.indices.map { index in
            let asked = Double(max(statistics.asked[index], 1))
            return """
                \(names[index]) \(decimal(Double(statistics.agreements[index]) / asked)) \
                (KL \(decimal(statistics.divergences[index] / asked, places: 3)))
                """
        }
        Run.note("agreement", shares.joined(separator: " · "))
        let amounts = names.indices.map { index in
            "\(names[index]) \(decimal(statistics.contributions[index] / steps, places: 3))"
        }
        Run.note("contribution", amounts.joined(separator: " · ") + " " + plan.unitOfContributions)
        for warning in statistics.warnings { Run.note("warning", warning) }
    }
}

extension FusionPlan {
    /// What a member's contribution to a token is counted in.
    var unitOfContributions: String {
        switch combination {
        case .logLinear, .classConditional: "nats a token"
        case .linear, .extrapolation: "of each token"
        case .maximum, .minimum: "of the tokens"
        }
    }

    /// The rule with names: `base + 1.5 expert − 1.5 anti-expert`.
    func formula(_ names: [String]) -> String {
        let sum = formulaText(zip(weights, names).map { ($0, $1) })
        let list = names.joined(separator: ", ")
        switch combination {
        case .logLinear: return dynamics == .constant ? sum : "sum of \(list), weighed by how sure each is"
        case .linear:
            switch dynamics {
            case .constant: return "log(\(sum)) of probabilities"
            case .posterior: return "mixture of \(list), weighed by how probable each finds the text"
            case .byEntropy: return "mixture of \(list), weighed by how sure each is"
            }
        case .extrapolation: return "log(\(sum)) of probabilities, at least 10⁻⁸"
        case .maximum: return "max(\(list))"
        case .minimum: return "min(\(list))"
        case .classConditional:
            return "\(names[reference]), steered by the class that the text belongs to: \(sum)"
        }
    }

    func maskDescription(_ names: [String]) -> String? {
        switch mask {
        case .none, .automatic: nil
        case .plausibility(let alpha, .member(let index)):
            "tokens at least \(decimal(alpha, places: 3)) times as probable as the favourite of \(names[index])"
        case .plausibility(let alpha, .any):
            "tokens at least \(decimal(alpha, places: 3)) times as probable as the favourite of any member"
        case .plausibility(let alpha, .all):
            "tokens at least \(decimal(alpha, places: 3)) times as probable as the favourite of every member"
        case .nucleus(let mass, let index):
            "the most probable tokens of \(names[index]) up to a mass of \(decimal(mass, places: 3))"
        case .sharedTop(let count):
            "\(count) or more tokens among the most probable ones of every member"
        }
    }
}

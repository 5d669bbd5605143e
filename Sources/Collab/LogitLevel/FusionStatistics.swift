/// How much each member of a fusion had to say, over the tokens that were written.
struct FusionStatistics: Sendable {
    /// Tokens written.
    private(set) var steps = 0
    /// Steps at which the fused favourite was not the reference's.
    private(set) var interventions = 0
    /// For each member, the tokens written that were its own favourite.
    private(set) var agreements: [Int]
    /// For each member, Σ KL(fused‖member).
    private(set) var divergences: [Double]

    init(memberCount: Int) {
        agreements = Array(repeating: 0, count: memberCount)
        divergences = Array(repeating: 0, count: memberCount)
    }

    mutating func add(_ step: FusedStep, chosen: TokenID, reference: Int) {
        steps += 1
        if step.favourites[reference] != step.favourite { interventions += 1 }
        for index in agreements.indices {
            if step.favourites[index] == chosen { agreements[index] += 1 }
            divergences[index] += step.divergences[index]
        }
    }
}

extension FusedModel {
    /// Notes what was fused: the formula, the mask, how often the fusion changed the reference's favourite, and for
    /// each member the share of the tokens that it would have written itself, with its mean divergence.
    func noteStatistics(_ statistics: FusionStatistics, _ plan: FusionPlan) {
        let names = members.map(\.name)
        Run.note("formula", plan.formula(names))
        if let mask = plan.maskDescription(names) { Run.note("mask", mask) }
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
        let shares = names.indices.map { index in
            """
            \(names[index]) \(decimal(Double(statistics.agreements[index]) / steps)) \
            (KL \(decimal(statistics.divergences[index] / steps, places: 3)))
            """
        }
        Run.note("agreement", shares.joined(separator: " · "))
    }
}

extension FusionPlan {
    /// The rule with names: `base + 1.5 expert − 1.5 anti-expert`.
    func formula(_ names: [String]) -> String {
        let sum = formulaText(zip(weights, names).map { ($0, $1) })
        return combination == .linear ? "log(\(sum)) of probabilities" : sum
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
        }
    }
}

/// A weighted sum in words: coefficients of 1 are left out, and so are terms of weight 0.
func formulaText(_ terms: [(weight: Double, name: String)]) -> String {
    var text = ""
    for (weight, name) in terms where weight != 0 {
        let coefficient = abs(weight) == 1 ? "" : "\(decimal(abs(weight), places: 3)) "
        if text.isEmpty {
            text = (weight < 0 ? "−" : "") + coefficient + name
        } else {
            text += (weight < 0 ? " − " : " + ") + coefficient + name
        }
    }
    return text.isEmpty ? "0" : text
}

/// A number with at most so many decimals, without zeros at its end.
func decimal(_ value: Double, places: Int = 2) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "−∞" : "∞" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
}

/// How much each member of a fusion had to say, over the tokens that were written.
struct FusionStatistics: Sendable {
    /// The tokens that were written.
    private(set) var tokens: [TokenID] = []
    /// Steps at which the fused favourite was not the base's.
    private(set) var interventions = 0
    /// Steps that were left to the base.
    private(set) var leftAlone = 0
    /// Steps with a mask, and those at which it let a single token pass.
    private(set) var masked = 0
    private(set) var starved = 0
    /// Σ of the fused distribution's entropy.
    private(set) var entropy = 0.0
    /// For each member, the steps at which it was asked.
    private(set) var asked: [Int]
    /// For each member, the tokens written that were its own favourite.
    private(set) var agreements: [Int]
    /// For each member, Σ KL(fused‖member).
    private(set) var divergences: [Double]
    /// For each member, Σ of what it added to the tokens that were written.
    private(set) var contributions: [Double]

    init(memberCount: Int) {
        asked = Array(repeating: 0, count: memberCount)
        agreements = asked
        divergences = Array(repeating: 0, count: memberCount)
        contributions = divergences
    }

    /// How many tokens were written.
    var steps: Int { tokens.count }

    mutating func add(_ step: FusedStep, chosen: TokenID, _ plan: FusionPlan) {
        tokens.append(chosen)
        entropy += step.entropy
        if let base = step.members[plan.reference], base.favourite != step.favourite { interventions += 1 }
        if step.strength == 0 { leftAlone += 1 }
        if let survivors = step.survivors {
            masked += 1
            if survivors == 1 { starved += 1 }
        }
        for (index, member) in step.members.enumerated() {
            guard let member else { continue }
            asked[index] += 1
            if member.favourite == chosen { agreements[index] += 1 }
            divergences[index] += member.divergence
            contributions[index] += step.contribution(of: index, to: chosen, plan)
        }
    }
}

extension FusionStatistics {
    /// Signs that an answer has lost its coherence.
    var warnings: [String] {
        var warnings: [String] = []
        guard steps >= 10 else { return [] }
        let rate = Double(interventions) / Double(steps)
        if rate > 0.2 {
            warnings.append(
                "the fusion changed the base's favourite at \(percent(rate)) of the tokens; above 20 % answers tend to get worse"
            )
        }
        if masked > 0, Double(starved) > 0.9 * Double(masked) {
            warnings.append(
                "the mask let a single token pass at \(percent(Double(starved) / Double(masked))) of the tokens: it decides instead of the members"
            )
        }
        if repetition > 0.5 {
            warnings.append(
                "\(percent(repetition)) of the answer's runs of four tokens had been written before"
            )
        }
        return warnings
    }

    /// The share of runs of four tokens that occur before.
    var repetition: Double {
        guard tokens.count >= 16 else { return 0 }
        var seen: Set<[TokenID]> = []
        let runs = tokens.count - 3
        for start in 0..<runs { seen.insert(Array(tokens[start..<start + 4])) }
        return 1 - Double(seen.count) / Double(runs)
    }

    private func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }
}

import Collab

/// How good a model's answer was, as the outcome log knows it.
struct OutcomeJudgement {
    let question: String
    let features: [Float]?
    let model: String
    let quality: Double
    let cost: Double
}

extension [RoutingOutcome] {
    /// What was judged, each member once an answer.
    ///
    /// Every member that was asked and judged counts with its quality; where no member was judged, the quality of the
    /// answer counts for the one that was asked. Several decisions of one answer name the same members: each counts
    /// once. Qualities outside of 0…1 are left out, and decisions that name nobody who was ever asked: between answers,
    /// say, or whom to keep.
    func judgements() -> [OutcomeJudgement] {
        let known = Set(flatMap(\.members).map(\.name))
        var seen: Set<[String]> = []
        var result: [OutcomeJudgement] = []
        for outcome in self {
            var found = outcome.members.compactMap { member in
                member.quality.map { (name: member.name, quality: $0, cost: member.cost) }
            }
            let choice = outcome.decision.choice
            if found.isEmpty, let quality = outcome.outcome.quality,
                let name = outcome.decision.asked ?? (known.contains(choice) ? choice : nil)
            {
                found = [(name, quality, outcome.outcome.cost)]
            }
            for (name, quality, cost) in found {
                guard 0...1 ~= quality, seen.insert([outcome.id, name]).inserted else { continue }
                result.append(
                    OutcomeJudgement(
                        question: outcome.request,
                        features: outcome.features,
                        model: name,
                        quality: quality,
                        cost: cost
                    )
                )
            }
        }
        return result
    }
}

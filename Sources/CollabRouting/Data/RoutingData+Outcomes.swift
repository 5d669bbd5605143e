public import Collab

extension RoutingData {
    /// Adds what came of a program's own runs, as the outcome log keeps it.
    ///
    /// Every member that was asked and judged counts with its quality; where no member was judged, the quality of the
    /// answer counts for the one that was chosen. Several decisions of one answer name the same members: each counts
    /// once. What nobody judged teaches nothing and is left out.
    public mutating func add(_ outcomes: [RoutingOutcome]) {
        var seen: Set<[String]> = []
        for outcome in outcomes {
            let judged = outcome.members.filter { $0.quality != nil }
            var found = judged.map { (name: $0.name, quality: $0.quality) }
            if found.isEmpty { found = [(outcome.decision.choice, outcome.outcome.quality)] }
            for (name, quality) in found {
                guard let quality, 0...1 ~= quality, seen.insert([outcome.id, name]).inserted else {
                    continue
                }
                add(question: outcome.request, model: name, score: quality)
            }
        }
    }
}

public import Collab
import CollabBackends

extension RoutingData {
    /// Reads the log of a program's own runs, with what was judged later; see ``add(_:)``.
    ///
    /// Throws what ``CollabBackends/OutcomeLog`` throws for files that are missing or no logs.
    public init(outcomesAt path: String) throws(CollabError) {
        self.init()
        add(try OutcomeLog.outcomes(at: path))
    }

    /// Adds what came of a program's own runs, as the outcome log keeps it.
    ///
    /// Every member that was asked and judged counts with its quality; where no member was judged, the quality of the
    /// answer counts for the one that was chosen. Several decisions of one answer name the same members: each counts
    /// once. What nobody judged teaches nothing and is left out.
    public mutating func add(_ outcomes: [RoutingOutcome]) {
        for judgement in outcomes.judgements() {
            add(question: judgement.question, model: judgement.model, score: judgement.quality)
        }
    }
}

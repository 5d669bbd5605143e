/// Stages written inside an `if`, `switch` or `for` of a pipeline, at least one of which needs weights.
public struct WeightStageSequence: WeightStage {
    var stages: [any PipelineStep<WeightAccess>]

    /// The names of the stages.
    public var name: String { stages.map(\.name).joined(separator: ", ") }

    /// Whether one of the stages may replace the team.
    public var replacesTeam: Bool { stages.contains { $0.replacesTeam } }

    /// Checks the stages up to the first that may replace the team.
    public func validate(_ team: Team<WeightAccess>) throws(CollabError) {
        try checkSteps(stages, with: team)
    }

    /// The sums over the stages; a settled answer ends the sequence early.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        totalCallRange(stages.map { $0.callRange(teamSize: teamSize) })
    }

    /// Advances through the stages until the answer is settled.
    public func advance(_ deliberation: inout Deliberation<WeightAccess>) async throws(CollabError) {
        for stage in stages where !deliberation.isSettled { try await stage.advance(&deliberation) }
    }
}

/// A step of a pipeline that any team can take.
///
/// A stage advances a deliberation: it may add drafts, change the team, or settle the answer. What it has changed
/// before it throws is kept, so that nothing already paid for is lost. Users write their own stages by conforming.
public protocol Stage: Sendable {
    /// What to call the stage in traces.
    var name: String { get }
    /// How many calls the stage makes at least and at most, for a team of a given size.
    func callRange(teamSize: Int) -> ClosedRange<Int>
    /// Advances a deliberation that is not settled yet.
    func advance<Access: AccessLevel>(_ deliberation: inout Deliberation<Access>) async throws(CollabError)
}

/// A step of a pipeline that needs a team whose members show their logits.
public protocol LogitStage: Sendable {
    /// What to call the stage in traces.
    var name: String { get }
    /// How many calls the stage makes at least and at most, for a team of a given size.
    func callRange(teamSize: Int) -> ClosedRange<Int>
    /// Advances a deliberation that is not settled yet.
    func advance<Access: LogitReadable>(_ deliberation: inout Deliberation<Access>) async throws(CollabError)
}

/// A step of a pipeline that needs a team whose members show their weights.
public protocol WeightStage: Sendable {
    /// What to call the stage in traces.
    var name: String { get }
    /// How many calls the stage makes at least and at most, for a team of a given size.
    func callRange(teamSize: Int) -> ClosedRange<Int>
    /// Advances a deliberation that is not settled yet.
    func advance(_ deliberation: inout Deliberation<WeightAccess>) async throws(CollabError)
}

/// Stages written inside an `if`, `switch` or `for` of a pipeline.
public struct StageSequence: Stage {
    var stages: [any Stage]

    /// The names of the stages.
    public var name: String { stages.map(\.name).joined(separator: ", ") }

    /// The sums over the stages; a settled answer ends the sequence early.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        totalCallRange(stages.map { $0.callRange(teamSize: teamSize) })
    }

    /// Advances through the stages until the answer is settled.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        for stage in stages where !deliberation.isSettled { try await step(stage, &deliberation) }
    }
}

/// Stages written inside an `if`, `switch` or `for` of a pipeline, at least one of which needs logits.
public struct LogitStageSequence: LogitStage {
    var stages: [any PipelineStep<LogitAccess>]

    /// The names of the stages.
    public var name: String { stages.map(\.name).joined(separator: ", ") }

    /// The sums over the stages; a settled answer ends the sequence early.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        totalCallRange(stages.map { $0.callRange(teamSize: teamSize) })
    }

    /// Advances through the stages until the answer is settled.
    public func advance<Access: LogitReadable>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        var weaker = Deliberation<LogitAccess>(
            request: deliberation.request,
            team: deliberation.team.asLogits,
            sink: deliberation.sink
        )
        weaker.drafts = deliberation.drafts
        weaker.leading = deliberation.leading
        defer {
            deliberation.drafts = weaker.drafts
            deliberation.leading = weaker.leading
            if let answer = weaker.answer { deliberation.settle(onStreamed: answer) }
        }
        for stage in stages where !weaker.isSettled { try await stage.advance(&weaker) }
    }
}

/// The least and most calls of stages in a row, of which any but the first may be skipped.
func totalCallRange(_ ranges: [ClosedRange<Int>]) -> ClosedRange<Int> {
    guard let first = ranges.first else { return 0...0 }
    return first.lowerBound...ranges.reduce(0) { $0 + $1.upperBound }
}

/// Runs a stage as a node of the trace.
private func step<Access: AccessLevel>(
    _ stage: some Stage,
    _ deliberation: inout Deliberation<Access>
) async throws(CollabError) {
    var advanced = deliberation
    defer { deliberation = advanced }
    try await Run.stage(stage.name) { () async throws(CollabError) in try await stage.advance(&advanced) }
}

/// A step of a pipeline that any team can take.
///
/// A stage advances a deliberation: it may add drafts, change the team, or settle the answer. What it has changed
/// before it throws is kept, so that nothing already paid for is lost. Users write their own stages by conforming.
public protocol Stage: Sendable {
    /// What to call the stage in traces.
    var name: String { get }
    /// Whether the stage may put another team in the team's place; then later stages cannot be checked beforehand.
    var replacesTeam: Bool { get }
    /// Throws if the stage could never work with a team; asked before anybody is.
    func validate<Access: AccessLevel>(_ team: Team<Access>) throws(CollabError)
    /// How many calls the stage makes at least and at most, for a team of a given size.
    func callRange(teamSize: Int) -> ClosedRange<Int>
    /// Advances a deliberation that is not settled yet.
    func advance<Access: AccessLevel>(_ deliberation: inout Deliberation<Access>) async throws(CollabError)
}

/// A step of a pipeline that needs a team whose members show their logits.
public protocol LogitStage: Sendable {
    /// What to call the stage in traces.
    var name: String { get }
    /// Whether the stage may put another team in the team's place; then later stages cannot be checked beforehand.
    var replacesTeam: Bool { get }
    /// Throws if the stage could never work with a team; asked before anybody is.
    func validate<Access: LogitReadable>(_ team: Team<Access>) throws(CollabError)
    /// How many calls the stage makes at least and at most, for a team of a given size.
    func callRange(teamSize: Int) -> ClosedRange<Int>
    /// Advances a deliberation that is not settled yet.
    func advance<Access: LogitReadable>(_ deliberation: inout Deliberation<Access>) async throws(CollabError)
}

/// A step of a pipeline that needs a team whose members show their weights.
public protocol WeightStage: Sendable {
    /// What to call the stage in traces.
    var name: String { get }
    /// Whether the stage may put another team in the team's place; then later stages cannot be checked beforehand.
    var replacesTeam: Bool { get }
    /// Throws if the stage could never work with a team; asked before anybody is.
    func validate(_ team: Team<WeightAccess>) throws(CollabError)
    /// How many calls the stage makes at least and at most, for a team of a given size.
    func callRange(teamSize: Int) -> ClosedRange<Int>
    /// Advances a deliberation that is not settled yet.
    func advance(_ deliberation: inout Deliberation<WeightAccess>) async throws(CollabError)
}

extension Stage {
    /// Most stages leave the team as it is.
    public var replacesTeam: Bool { false }
    /// Any team will do.
    public func validate<Access: AccessLevel>(_ team: Team<Access>) throws(CollabError) {}
}

extension LogitStage {
    /// Most stages leave the team as it is.
    public var replacesTeam: Bool { false }
    /// Any team will do.
    public func validate<Access: LogitReadable>(_ team: Team<Access>) throws(CollabError) {}
}

extension WeightStage {
    /// Most stages leave the team as it is.
    public var replacesTeam: Bool { false }
    /// Any team will do.
    public func validate(_ team: Team<WeightAccess>) throws(CollabError) {}
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

    /// Whether one of the stages may replace the team.
    public var replacesTeam: Bool { stages.contains { $0.replacesTeam } }

    /// Checks the stages up to the first that may replace the team.
    public func validate<Access: AccessLevel>(_ team: Team<Access>) throws(CollabError) {
        for stage in stages {
            try stage.validate(team)
            if stage.replacesTeam { return }
        }
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

    /// Whether one of the stages may replace the team.
    public var replacesTeam: Bool { stages.contains { $0.replacesTeam } }

    /// Checks the stages up to the first that may replace the team.
    public func validate<Access: LogitReadable>(_ team: Team<Access>) throws(CollabError) {
        try checkSteps(stages, with: team.asLogits)
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

/// A product of counts, which stays far below overflow whatever a caller asks for.
func callCount(_ factors: Int...) -> Int {
    factors.reduce(1) { product, factor in
        let (value, overflow) = product.multipliedReportingOverflow(by: max(factor, 0))
        return overflow ? 1 << 40 : min(value, 1 << 40)
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

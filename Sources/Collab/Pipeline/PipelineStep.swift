/// A stage that has been placed behind a team of a given access level.
///
/// Stages are boxed here rather than stored as closures: a stored closure that is async, takes an `inout` and throws
/// a typed error does not survive the compiler.
public protocol PipelineStep<Access>: Sendable {
    /// The access level of the team.
    associatedtype Access: AccessLevel
    /// What to call the step in traces.
    var name: String { get }
    /// Whether the stage may replace the team.
    var replacesTeam: Bool { get }
    /// Throws if the stage could never work with a team.
    func validate(_ team: Team<Access>) throws(CollabError)
    /// How many calls the step makes at least and at most.
    func callRange(teamSize: Int) -> ClosedRange<Int>
    /// Advances a deliberation, as a node of the trace.
    func advance(_ deliberation: inout Deliberation<Access>) async throws(CollabError)
}

/// Asks the steps, up to the first that may replace the team, whether they can work with it at all: a stage that cannot
/// is reported before the stages in front of it have cost anything.
func checkSteps<Access: AccessLevel>(
    _ steps: [any PipelineStep<Access>],
    with team: Team<Access>
) throws(CollabError) {
    for step in steps {
        do throws(CollabError) { try step.validate(team) } catch { throw error.within(step.name) }
        if step.replacesTeam { return }
    }
}

/// A stage that any team can take.
struct TextStep<Placed: Stage, Access: AccessLevel>: PipelineStep {
    let stage: Placed

    var name: String { stage.name }
    var replacesTeam: Bool { stage.replacesTeam }
    func validate(_ team: Team<Access>) throws(CollabError) { try stage.validate(team) }
    func callRange(teamSize: Int) -> ClosedRange<Int> { stage.callRange(teamSize: teamSize) }

    func advance(_ deliberation: inout Deliberation<Access>) async throws(CollabError) {
        var advanced = deliberation
        defer { deliberation = advanced }
        if stage is StageSequence { return try await stage.advance(&advanced) }
        try await Run.stage(name) { () async throws(CollabError) in try await stage.advance(&advanced) }
    }
}

/// A stage behind a team whose members show logits.
struct LogitStep<Placed: LogitStage, Access: LogitReadable>: PipelineStep {
    let stage: Placed

    var name: String { stage.name }
    var replacesTeam: Bool { stage.replacesTeam }
    func validate(_ team: Team<Access>) throws(CollabError) { try stage.validate(team) }
    func callRange(teamSize: Int) -> ClosedRange<Int> { stage.callRange(teamSize: teamSize) }

    func advance(_ deliberation: inout Deliberation<Access>) async throws(CollabError) {
        var advanced = deliberation
        defer { deliberation = advanced }
        if stage is LogitStageSequence { return try await stage.advance(&advanced) }
        try await Run.stage(name) { () async throws(CollabError) in try await stage.advance(&advanced) }
    }
}

/// A stage behind a team whose members show weights.
struct WeightStep<Placed: WeightStage>: PipelineStep {
    let stage: Placed

    var name: String { stage.name }
    var replacesTeam: Bool { stage.replacesTeam }
    func validate(_ team: Team<WeightAccess>) throws(CollabError) { try stage.validate(team) }
    func callRange(teamSize: Int) -> ClosedRange<Int> { stage.callRange(teamSize: teamSize) }

    func advance(_ deliberation: inout Deliberation<WeightAccess>) async throws(CollabError) {
        var advanced = deliberation
        defer { deliberation = advanced }
        if stage is WeightStageSequence { return try await stage.advance(&advanced) }
        try await Run.stage(name) { () async throws(CollabError) in try await stage.advance(&advanced) }
    }
}

extension Run {
    /// Runs a stage as a node of the current run; errors tell the stage's name.
    static func stage(
        _ name: String,
        _ body: () async throws(CollabError) -> Void
    ) async throws(CollabError) {
        guard let context else { return try await body() }
        do throws(CollabError) {
            try await context.run.withNode(.stage, name: name, request: nil, parent: context.node) {
                (_) async throws(CollabError) in
                try checkCancellation()
                try await body()
            }
        } catch {
            throw error.within(name)
        }
    }
}

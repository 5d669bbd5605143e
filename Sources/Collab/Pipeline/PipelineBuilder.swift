/// A team and the stages it goes through, as collected by a ``PipelineBuilder``.
public struct PipelinePlan<Access: AccessLevel>: Sendable {
    var source: any TeamSource<Access>
    var steps: [any PipelineStep<Access>]
}

/// Collects a team, or a route to one, and the stages it goes through.
///
/// A stage that needs more access than the team gives is refused by the compiler, with a sentence that says so.
@resultBuilder
public enum PipelineBuilder {
    // MARK: What a pipeline begins with

    /// A team, or a route that chooses one.
    public static func buildPartialBlock<Source: TeamSource>(first: Source) -> PipelinePlan<Source.Access> {
        PipelinePlan(source: first, steps: [])
    }

    /// A team that was chosen by an `if` or a `switch`, with the stages of its branch.
    public static func buildPartialBlock<Access>(first: PipelinePlan<Access>) -> PipelinePlan<Access> {
        first
    }
    /// One of two teams of the same access level.
    public static func buildEither<Access>(first: PipelinePlan<Access>) -> PipelinePlan<Access> { first }
    /// One of two teams of the same access level.
    public static func buildEither<Access>(second: PipelinePlan<Access>) -> PipelinePlan<Access> { second }

    // MARK: Stages behind a team

    /// A stage that any team can take.
    public static func buildPartialBlock<Access>(
        accumulated: PipelinePlan<Access>,
        next: some Stage
    ) -> PipelinePlan<Access> {
        var plan = accumulated
        plan.steps.append(TextStep(stage: next))
        return plan
    }

    /// A stage that needs logits, behind a team whose members show them.
    public static func buildPartialBlock<Access: LogitReadable>(
        accumulated: PipelinePlan<Access>,
        next: some LogitStage
    ) -> PipelinePlan<Access> {
        var plan = accumulated
        plan.steps.append(LogitStep(stage: next))
        return plan
    }

    /// A stage that needs weights, behind a team whose members show them.
    public static func buildPartialBlock(
        accumulated: PipelinePlan<WeightAccess>,
        next: some WeightStage
    ) -> PipelinePlan<WeightAccess> {
        var plan = accumulated
        plan.steps.append(WeightStep(stage: next))
        return plan
    }

    /// Refuses a logit stage behind a team that only gives text.
    @available(
        *,
        unavailable,
        message: """
            this stage fuses next-token logits, but at least one member of the team only gives text; \
            use members that are all LogitModels, or a text stage such as Debate
            """
    )
    public static func buildPartialBlock(
        accumulated: PipelinePlan<TextAccess>,
        next: some LogitStage
    ) -> PipelinePlan<TextAccess> {
        accumulated
    }

    /// Refuses a weight stage behind a team that does not give its weights.
    @available(
        *,
        unavailable,
        message: """
            this stage merges weights, but at least one member of the team does not give its weights; \
            use members that are all WeightModels, or a logit stage such as FuseLogits
            """
    )
    @_disfavoredOverload
    public static func buildPartialBlock<Access>(
        accumulated: PipelinePlan<Access>,
        next: some WeightStage
    ) -> PipelinePlan<Access> {
        accumulated
    }

    // MARK: Stages inside `if`, `switch` and `for`

    /// The first stage of a branch.
    public static func buildPartialBlock(first: some Stage) -> StageSequence {
        (first as? StageSequence) ?? StageSequence(stages: [first])
    }
    /// The first stage of a branch, which needs logits.
    public static func buildPartialBlock(first: some LogitStage) -> LogitStageSequence {
        (first as? LogitStageSequence) ?? LogitStageSequence(stages: [LogitStep(stage: first)])
    }
    /// A further stage of a branch.
    public static func buildPartialBlock(accumulated: StageSequence, next: some Stage) -> StageSequence {
        StageSequence(stages: accumulated.stages + [next])
    }
    /// A further stage of a branch, the first that needs logits.
    public static func buildPartialBlock(
        accumulated: StageSequence,
        next: some LogitStage
    ) -> LogitStageSequence {
        LogitStageSequence(stages: [TextStep(stage: accumulated), LogitStep(stage: next)])
    }
    /// A further stage of a branch.
    public static func buildPartialBlock(
        accumulated: LogitStageSequence,
        next: some Stage
    ) -> LogitStageSequence {
        LogitStageSequence(stages: accumulated.stages + [TextStep(stage: next)])
    }
    /// A further stage of a branch, which needs logits.
    public static func buildPartialBlock(
        accumulated: LogitStageSequence,
        next: some LogitStage
    ) -> LogitStageSequence {
        LogitStageSequence(stages: accumulated.stages + [LogitStep(stage: next)])
    }

    /// Stages that are there only under a condition.
    public static func buildOptional(_ part: StageSequence?) -> StageSequence {
        part ?? StageSequence(stages: [])
    }
    /// Stages that are there only under a condition.
    public static func buildOptional(_ part: LogitStageSequence?) -> LogitStageSequence {
        part ?? LogitStageSequence(stages: [])
    }
    /// One of two alternatives.
    public static func buildEither(first: StageSequence) -> StageSequence { first }
    /// One of two alternatives.
    public static func buildEither(second: StageSequence) -> StageSequence { second }
    /// One of two alternatives.
    public static func buildEither(first: LogitStageSequence) -> LogitStageSequence { first }
    /// One of two alternatives.
    public static func buildEither(second: LogitStageSequence) -> LogitStageSequence { second }
    /// One of two alternatives, of which the other needs logits.
    @_disfavoredOverload
    public static func buildEither(first: StageSequence) -> LogitStageSequence {
        LogitStageSequence(stages: [TextStep(stage: first)])
    }
    /// One of two alternatives, of which the other needs logits.
    @_disfavoredOverload
    public static func buildEither(second: StageSequence) -> LogitStageSequence {
        LogitStageSequence(stages: [TextStep(stage: second)])
    }
    /// Stages from a loop.
    public static func buildArray(_ parts: [StageSequence]) -> StageSequence {
        StageSequence(stages: parts.flatMap(\.stages))
    }
    /// Stages from a loop.
    public static func buildArray(_ parts: [LogitStageSequence]) -> LogitStageSequence {
        LogitStageSequence(stages: parts.flatMap(\.stages))
    }
}

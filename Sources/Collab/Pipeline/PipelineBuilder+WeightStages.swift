extension PipelineBuilder {
    // Stages inside `if`, `switch` and `for`, at least one of which needs weights.

    /// The first stage of a branch, which needs weights.
    public static func buildPartialBlock(first: some WeightStage) -> WeightStageSequence {
        (first as? WeightStageSequence) ?? WeightStageSequence(stages: [WeightStep(stage: first)])
    }
    /// A further stage of a branch, the first that needs weights.
    public static func buildPartialBlock(
        accumulated: StageSequence,
        next: some WeightStage
    ) -> WeightStageSequence {
        WeightStageSequence(stages: [TextStep(stage: accumulated), WeightStep(stage: next)])
    }
    /// A further stage of a branch, the first that needs weights.
    public static func buildPartialBlock(
        accumulated: LogitStageSequence,
        next: some WeightStage
    ) -> WeightStageSequence {
        WeightStageSequence(stages: [LogitStep(stage: accumulated), WeightStep(stage: next)])
    }
    /// A further stage of a branch.
    public static func buildPartialBlock(
        accumulated: WeightStageSequence,
        next: some Stage
    ) -> WeightStageSequence {
        WeightStageSequence(stages: accumulated.stages + [TextStep(stage: next)])
    }
    /// A further stage of a branch, which needs logits.
    public static func buildPartialBlock(
        accumulated: WeightStageSequence,
        next: some LogitStage
    ) -> WeightStageSequence {
        WeightStageSequence(stages: accumulated.stages + [LogitStep(stage: next)])
    }
    /// A further stage of a branch, which needs weights.
    public static func buildPartialBlock(
        accumulated: WeightStageSequence,
        next: some WeightStage
    ) -> WeightStageSequence {
        WeightStageSequence(stages: accumulated.stages + [WeightStep(stage: next)])
    }

    /// Stages that are there only under a condition.
    public static func buildOptional(_ part: WeightStageSequence?) -> WeightStageSequence {
        part ?? WeightStageSequence(stages: [])
    }
    /// One of two alternatives.
    public static func buildEither(first: WeightStageSequence) -> WeightStageSequence { first }
    /// One of two alternatives.
    public static func buildEither(second: WeightStageSequence) -> WeightStageSequence { second }
    /// One of two alternatives, of which the other needs weights.
    @_disfavoredOverload
    public static func buildEither(first: StageSequence) -> WeightStageSequence {
        WeightStageSequence(stages: [TextStep(stage: first)])
    }
    /// One of two alternatives, of which the other needs weights.
    @_disfavoredOverload
    public static func buildEither(second: StageSequence) -> WeightStageSequence {
        WeightStageSequence(stages: [TextStep(stage: second)])
    }
    /// Stages from a loop.
    public static func buildArray(_ parts: [WeightStageSequence]) -> WeightStageSequence {
        WeightStageSequence(stages: parts.flatMap(\.stages))
    }
}

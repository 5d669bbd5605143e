public import Collab

/// Adds what two fine-tuned models have learned to the model both started from (task arithmetic, Ilharco et al. 2023).
///
/// - Parameters:
///   - base: what both started from.
///   - first: fine-tuned on one task.
///   - second: fine-tuned on another.
///   - share: how much of each is added; 1 adds all, less keeps closer to the base.
public func twoSkills(
    base: any Checkpoint,
    first: any Checkpoint,
    second: any Checkpoint,
    share: Double = 0.7
) -> any Checkpoint {
    base + share * (first - base) + share * (second - base)
}

public import Collab

/// Lets a team find out what it can, and one writer put it down with the findings in view.
///
/// The writer decodes twice at every word: once with the findings in its prompt and once without. Weighing the two
/// against each other makes the findings count for more than habit (context-aware decoding, Shi et al. 2023: the
/// distribution with context to the power 1 + α, over that without to the power α).
///
/// - Parameters:
///   - members: those who find out; text is all that is asked of them.
///   - writer: shows its next-token logits.
///   - trust: α; 0 writes from the findings alone, larger values push harder against what it would say without them.
public func informedWriter(
    members: [any TextModel],
    writer: some LogitModel,
    trust: Double = 0.5
) -> some TextModel {
    Pipeline("informed writer") {
        Team("researchers") { members }
        Debate(rounds: 1, settling: .never)
        FuseLogits(.contextAware(alpha: trust)) {
            writer.role("informed", informedBy: .drafts)
            writer.role("uninformed")
        }
    }
}

/// The decoders of a fusion's members, moved together.
///
/// Positions are counted as the first member counts them; the others keep their distance, which is the difference of
/// their prompts.
final class FusedDecoder: Decoder, BoundedDecoder {
    let plan: FusionPlan
    private let leaves: FusionLeaves
    private let decoders: [any Decoder]
    private let state: Protected<State>

    private struct State {
        /// The step whose token has not been chosen yet.
        var pending: FusedStep?
        var statistics: FusionStatistics
    }

    init(plan: FusionPlan, leaves: FusionLeaves, decoders: [any Decoder], pending: FusedStep?) {
        self.plan = plan
        self.leaves = leaves
        self.decoders = decoders
        state = Protected(
            State(pending: pending, statistics: FusionStatistics(memberCount: plan.weights.count))
        )
    }

    var position: Int { decoders[0].position }

    /// How much every member still holds.
    var room: Int {
        zip(leaves.models, decoders).map { model, decoder in
            (decoder as? any BoundedDecoder)?.room ?? model.contextLength - decoder.position
        }.min() ?? 0
    }

    /// What has been seen of the members' agreement.
    var statistics: FusionStatistics { state.withLock { $0.statistics } }

    func didChoose(_ token: TokenID) {
        state.withLock { state in
            if let step = state.pending {
                state.statistics.add(step, chosen: token, reference: plan.reference)
            }
            state.pending = nil
        }
    }

    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        let before = decoders.map(\.position)
        let outcomes = await concurrentOutcomes(Array(zip(decoders, leaves.models))) {
            (decoder, model) async throws(CollabError) -> [Logits] in
            do throws(CollabError) { return try await decoder.append(tokens, logits: logits) } catch {
                throw error.within(model.name)
            }
        }
        do throws(CollabError) {
            var rows: [[Logits]] = []
            for outcome in outcomes { rows.append(try outcome.get()) }
            var steps: [FusedStep] = []
            for index in rows[0].indices {
                steps.append(try plan.fuse(leaves.expand(rows.map { $0[index] }), names: leaves.names))
            }
            let last = steps.last
            state.withLock { $0.pending = last }
            return steps.map(\.logits)
        } catch {
            // No member may be left ahead of the others.
            for (decoder, count) in zip(decoders, before) { try? await decoder.truncate(to: count) }
            throw error
        }
    }

    func truncate(to count: Int) async throws(CollabError) {
        let back = position - count
        guard back >= 0, decoders.allSatisfy({ $0.position >= back }) else {
            throw CollabError(
                .invalidRequest,
                "A fused decoder at \(position) cannot be truncated to \(count) tokens."
            )
        }
        _ = try await concurrently(decoders) { (decoder) async throws(CollabError) in
            try await decoder.truncate(to: decoder.position - back)
        }
        state.withLock { $0.pending = nil }
    }

    func fork() async throws(CollabError) -> any Decoder {
        let forks = try await concurrently(decoders) { (decoder) async throws(CollabError) in
            try await decoder.fork()
        }
        return FusedDecoder(
            plan: plan,
            leaves: leaves,
            decoders: forks,
            pending: state.withLock { $0.pending }
        )
    }
}

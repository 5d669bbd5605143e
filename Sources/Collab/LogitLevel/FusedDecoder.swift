/// The decoders of a fusion's members, moved together.
///
/// Positions are counted as the base counts them; the others keep their distance, which is the difference of their
/// prompts. Where a gate leaves the base alone the others lag behind, and read what was written when it opens.
final class FusedDecoder: BoundedDecoder, NotingDecoder {
    let plan: FusionPlan
    private let leaves: FusionLeaves
    private let decoders: [any Decoder]
    /// Where the answer begins.
    private let first: Int
    /// The step that the answer's first token is chosen from. It is kept for good: no token comes before it in the answer
    /// by which it could be found again.
    private let start: FusedStep?
    private let state: Protected<State>

    private struct State {
        var position: Int
        /// What each model has not read yet.
        var lags: [[TokenID]]
        /// The steps after the latest tokens, by position, so that it can be told what was chosen from them.
        var steps: [Int: FusedStep]
        /// What the rule knows at each position since the answer began, if it goes by the text, and its tokens.
        var history: FusionHistory
        var statistics: FusionStatistics
        /// What constraints allow, if the mask has to know of any.
        var trail: ConstraintTrail?
    }

    init(
        plan: FusionPlan,
        leaves: FusionLeaves,
        decoders: [any Decoder],
        start: FusedStep?,
        trail: ConstraintTrail?
    ) {
        self.plan = plan
        self.leaves = leaves
        self.decoders = decoders
        let base = leaves.place(of: plan.reference)
        first = decoders[base].position
        self.start = start
        state = Protected(
            State(
                position: first,
                lags: Array(repeating: [], count: decoders.count),
                steps: start.map { [decoders[base].position: $0] } ?? [:],
                history: FusionHistory(memberCount: plan.weights.count),
                statistics: FusionStatistics(memberCount: plan.weights.count),
                trail: trail
            )
        )
    }

    private init(_ other: FusedDecoder, decoders: [any Decoder]) {
        plan = other.plan
        leaves = other.leaves
        self.decoders = decoders
        first = other.first
        start = other.start
        var held = other.state.withLock { $0 }
        held.statistics = FusionStatistics(memberCount: other.plan.weights.count)
        state = Protected(held)
    }

    var position: Int { state.withLock { $0.position } }

    /// How much every member still holds.
    var room: Int {
        let lags = state.withLock { $0.lags.map(\.count) }
        return decoders.indices.map { index in
            let decoder = decoders[index]
            let room =
                (decoder as? any BoundedDecoder)?.room ?? leaves.models[index].contextLength
                - decoder.position
            return room - lags[index]
        }.min() ?? 0
    }

    /// Notes what has been seen of the members' agreement.
    func note() {
        FusionNotes(plan: plan, names: leaves.names, statistics: state.withLock { $0.statistics }).record()
    }

    func inheritNotes(of other: any Decoder) {
        guard let other = other as? FusedDecoder else { return }
        let statistics = other.state.withLock { $0.statistics }
        state.withLock { $0.statistics = statistics }
    }

    func notes(choosing token: TokenID?) -> @Sendable () -> Void {
        let statistics = state.withLock { state in
            var statistics = state.statistics
            if let token, let step = state.steps[state.position] {
                statistics.add(step, chosen: token, plan)
            }
            return statistics
        }
        let notes = FusionNotes(plan: plan, names: leaves.names, statistics: statistics)
        return { notes.record() }
    }

    /// What it is made of, for a decoder that moves the members in its own way.
    var parts: (leaves: FusionLeaves, decoders: [any Decoder], start: FusedStep?, trail: ConstraintTrail?) {
        let (start, trail) = state.withLock { ($0.steps[$0.position], $0.trail) }
        return (leaves, decoders, start, trail)
    }

    func didChoose(_ token: TokenID, at position: Int) {
        state.withLock { state in
            guard let step = state.steps[position] else { return }
            state.statistics.add(step, chosen: token, plan)
        }
    }

    // MARK: Reading

    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        let before = decoders.map(\.position)
        let lags = state.withLock { $0.lags }
        do throws(CollabError) {
            if plan.readsLikelihoods { try await recallLastStep() }
            let selection = plan.readsLikelihoods ? LogitSelection.all : logits
            let (rows, isAlone) = try await read(tokens, lags, selection)
            let steps = try fuse(rows, isAlone: isAlone, tokens, selection)
            return logits == .none
                ? [] : logits == .last ? steps.suffix(1).map(\.logits) : steps.map(\.logits)
        } catch {
            // No member may be left ahead of the others.
            for (decoder, count) in zip(decoders, before) where decoder.position > count {
                try? await decoder.truncate(to: count)
            }
            throw error
        }
    }

    /// Reads tokens with every model, or with the base alone where that is enough; one list of rows a model.
    private func read(
        _ tokens: [TokenID],
        _ lags: [[TokenID]],
        _ selection: LogitSelection
    ) async throws(CollabError) -> (rows: [[Logits]?], isAlone: Bool) {
        let base = leaves.place(of: plan.reference)
        var rows = [[Logits]?](repeating: nil, count: decoders.count)
        var others = Array(decoders.indices)
        if plan.mayLeaveBaseAlone, decoders.count > 1 {
            rows[base] = try await read(tokens, base, selection)
            others.removeAll { $0 == base }
            if try isAlone(rows[base] ?? [], tokens.count) { return (rows, true) }
        }
        let asked = others
        let read = try await announcing(asked.map { decoders[$0] }) { () async throws(CollabError) in
            try await concurrently(asked) { (index) async throws(CollabError) -> [Logits] in
                try await self.read(lags[index] + tokens, index, selection)
            }
        }
        for (index, found) in zip(others, read) {
            rows[index] = selection == .all ? found.suffix(tokens.count) : found
        }
        return (rows, false)
    }

    private func read(
        _ tokens: [TokenID],
        _ index: Int,
        _ selection: LogitSelection
    ) async throws(CollabError) -> [Logits] {
        do throws(CollabError) { return try await decoders[index].append(tokens, logits: selection) } catch {
            throw error.within(leaves.models[index].name)
        }
    }

    /// Whether the base alone decides what comes after each of its rows.
    private func isAlone(_ rows: [Logits], _ count: Int) throws(CollabError) -> Bool {
        let written = position - first + count
        for (index, row) in rows.enumerated() {
            let moment = FusionMoment(written: written - rows.count + 1 + index)
            let strength = try plan.strength(of: row, name: leaves.names[plan.reference], at: moment)
            if strength != 0 { return false }
        }
        return true
    }

    /// Fuses rows and moves on.
    private func fuse(
        _ rows: [[Logits]?],
        isAlone: Bool,
        _ tokens: [TokenID],
        _ selection: LogitSelection
    ) throws(CollabError) -> [FusedStep] {
        let held = state.withLock { $0 }
        var history = held.history
        var trail = held.trail
        trail?.append(tokens)
        var steps: [Int: FusedStep] = [:]
        var last = held.steps[held.position]
        let base = rows[leaves.place(of: plan.reference)] ?? []
        let end = held.position + tokens.count
        for index in base.indices {
            let position = end - base.count + index + 1
            if plan.readsLikelihoods { history.add(tokens[index], last) }
            let moment = plan.readsLikelihoods ? history.moment : FusionMoment(written: position - first)
            let step: FusedStep
            if isAlone {
                step = try plan.leaveAlone(
                    base[index],
                    name: leaves.names[plan.reference],
                    memberCount: plan.weights.count
                )
            } else {
                let row = rows.map { $0.map { $0[index] } ?? Logits([]) }
                step = try plan.fuse(
                    leaves.expand(row),
                    names: leaves.names,
                    at: moment,
                    leaving: try trail?.allowed(after: position - first)
                )
            }
            steps[position] = step
            last = step
        }
        state.withLock { [found = steps, history, trail] state in
            state.position = end
            state.steps = found
            state.history = history
            state.trail = trail
            for leaf in state.lags.indices {
                state.lags[leaf] = isAlone && rows[leaf] == nil ? state.lags[leaf] + tokens : []
            }
        }
        return steps.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Finds the last step again where it has been forgotten: copies read its token anew.
    private func recallLastStep() async throws(CollabError) {
        let held = state.withLock { $0 }
        guard held.steps[held.position] == nil, held.position > first,
            let token = held.history.tokens.last
        else { return }
        let rows = try await concurrently(decoders) { (decoder) async throws(CollabError) -> Logits in
            let copy = try await decoder.fork()
            try await copy.truncate(to: copy.position - 1)
            return try await copy.append(token)
        }
        let step = try plan.fuse(
            leaves.expand(rows),
            names: leaves.names,
            at: held.history.moment,
            leaving: try held.trail?.allowed(after: held.position - first)
        )
        state.withLock { $0.steps[held.position] = step }
    }

    // MARK: Going back

    func truncate(to count: Int) async throws(CollabError) {
        let held = state.withLock { $0 }
        let back = held.position - count
        let behind = held.lags.map { max(back - $0.count, 0) }
        guard back >= 0, zip(decoders, behind).allSatisfy({ $0.position >= $1 }) else {
            throw CollabError(
                .invalidRequest,
                "A fused decoder at \(held.position) cannot be truncated to \(count) tokens."
            )
        }
        _ = try await concurrently(Array(zip(decoders, behind))) {
            (decoder, behind) async throws(CollabError) in
            try await decoder.truncate(to: decoder.position - behind)
        }
        state.withLock { state in
            state.position = count
            state.steps = state.steps.filter { $0.key <= count }
            if count == first { state.steps[first] = start }
            state.history.removeLast(back)
            state.trail?.truncate(to: count - first)
            for leaf in state.lags.indices { state.lags[leaf].removeLast(min(back, state.lags[leaf].count)) }
        }
    }

    func fork() async throws(CollabError) -> any Decoder {
        let forks = try await concurrently(decoders) { (decoder) async throws(CollabError) in
            try await decoder.fork()
        }
        return FusedDecoder(self, decoders: forks)
    }
}

/// What a rule that goes by the text knows of it: its tokens, and how probable each member has found them.
struct FusionHistory: Sendable {
    private(set) var tokens: [TokenID] = []
    /// Σ ℓᵢ before each token and after the last.
    private var sums: [[Double]]

    init(memberCount: Int) { sums = [Array(repeating: 0, count: memberCount)] }

    var moment: FusionMoment { FusionMoment(written: tokens.count, logLikelihoods: sums[sums.count - 1]) }

    /// Learns that a token was written after a step.
    mutating func add(_ token: TokenID, _ step: FusedStep?) {
        let sum = sums[sums.count - 1]
        tokens.append(token)
        sums.append(step.map { zip(sum, $0.members).map { $0 + ($1?.logprob(of: token) ?? 0) } } ?? sum)
    }

    mutating func removeLast(_ count: Int) {
        let count = min(count, tokens.count)
        tokens.removeLast(count)
        sums.removeLast(count)
    }
}

/// The decoders of a fusion's members while they take turns.
final class AlternatingDecoder: BoundedDecoder, ForeseeingDecoder, NotingDecoder {
    /// What has been guessed.
    struct Statistics: Hashable, Sendable {
        /// How many tokens were guessed and read.
        var proposed = 0
        /// How many of them were the ones that were chosen.
        var right = 0
        /// How many turned out not to be.
        var wrong = 0
        /// How many passes the members made.
        var passes = 0
        /// How many tokens were read without guesses.
        var plain = 0
    }

    private let plan: FusionPlan
    private let leaves: FusionLeaves
    private let decoders: [any Decoder]
    /// Where the answer begins for each model.
    private let firsts: [Int]
    private let model: AlternatingModel
    private let endTokens: Set<TokenID>
    private let vocabularySize: Int
    private let state: Protected<State>

    private struct State {
        /// The tokens of the answer.
        var written: [TokenID] = []
        /// What has been guessed to come after them, and who guessed it.
        var guesses: [(token: TokenID, leaf: Int)] = []
        /// How many of these tokens each model has read.
        var counts: [Int]
        /// Each model's distributions after so many of them.
        var rows: [[Int: Logits]]
        /// The fused steps after the latest tokens.
        var steps: [Int: FusedStep]
        var sampler: TokenSampler?
        /// What guesses at drawn tokens are judged with.
        var coins: SeededGenerator?
        /// The token that comes next where a guess at it has been judged.
        var decision: TokenID?
        var planner: AlternationPlanner
        var statistics = Statistics()
        var shares: FusionStatistics
        /// What constraints allow, if the mask has to know of any.
        var trail: ConstraintTrail?
    }

    init(_ fused: FusedDecoder, model: AlternatingModel) {
        let parts = fused.parts
        plan = fused.plan
        leaves = parts.leaves
        decoders = parts.decoders
        firsts = parts.decoders.map(\.position)
        self.model = model
        endTokens = model.tokenizer.endTokens
        vocabularySize = model.tokenizer.count
        let count = parts.decoders.count
        state = Protected(
            State(
                counts: Array(repeating: 0, count: count),
                rows: Array(repeating: [:], count: count),
                steps: parts.start.map { [0: $0] } ?? [:],
                planner: AlternationPlanner(model.length, members: count),
                shares: FusionStatistics(memberCount: plan.weights.count),
                trail: parts.trail
            )
        )
    }

    private init(_ other: AlternatingDecoder, _ decoders: [any Decoder]) {
        (plan, leaves, firsts) = (other.plan, other.leaves, other.firsts)
        (model, endTokens, vocabularySize) = (other.model, other.endTokens, other.vocabularySize)
        self.decoders = decoders
        var held = other.state.withLock { $0 }
        held.statistics = Statistics()
        held.shares = FusionStatistics(memberCount: other.plan.weights.count)
        state = Protected(held)
    }

    private var base: Int { leaves.place(of: plan.reference) }

    var position: Int { firsts[base] + state.withLock { $0.written.count } }

    var room: Int {
        let count = state.withLock { $0.written.count }
        return decoders.indices.map { limit(of: $0) - count }.min() ?? 0
    }

    /// How many tokens of an answer a model can hold.
    private func limit(of leaf: Int) -> Int {
        let decoder = decoders[leaf]
        let room =
            (decoder as? any BoundedDecoder)?.room ?? leaves.models[leaf].contextLength - decoder.position
        return room + decoder.position - firsts[leaf]
    }

    var statistics: Statistics { state.withLock { $0.statistics } }

    func willChoose(with sampler: TokenSampler) {
        state.withLock { state in
            state.sampler = sampler
            if state.coins == nil { state.coins = sampler.otherNumbers }
        }
    }

    func decision(at position: Int) -> TokenID? {
        state.withLock { $0.written.count == position - firsts[base] ? $0.decision : nil }
    }

    /// Who decides about guesses apart from the sampler, if anybody does.
    private func judge(_ held: State) -> GuessJudge? {
        model.agreement == .sameDistribution ? held.sampler.flatMap { GuessJudge($0.sampling) } : nil
    }

    func didChoose(_ token: TokenID, at position: Int) {
        state.withLock { state in
            guard let step = state.steps[position - firsts[base]] else { return }
            state.shares.add(step, chosen: token, plan)
        }
    }

    /// Notes what was fused, and how the guesses were.
    func note() {
        let (statistics, shares) = state.withLock { ($0.statistics, $0.shares) }
        FusionNotes(plan: plan, names: leaves.names, statistics: shares).record()
        Run.note("guesses", "\(statistics.right) of \(statistics.proposed) right")
        let judged = statistics.right + statistics.wrong
        if judged > 0 {
            Run.note("acceptance", decimal(Double(statistics.right) / Double(judged), places: 3))
        }
        Run.note("forward passes", statistics.passes)
    }

    // MARK: Reading

    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        guard tokens.count == 1, logits != .none else { return try await readPlainly(tokens, logits) }
        let clock = ContinuousClock()
        let start = clock.now
        let written = state.withLock { $0.written.count }
        try await accept(tokens[0])
        do throws(CollabError) {
            let isPlain = state.withLock { state in state.guesses.isEmpty && state.planner.isPlain }
            if isPlain { try await catchUp() } else { try await takeTurnsIfPossible() }
            let step = try fuseLatest()
            let seconds = (clock.now - start) / .seconds(1)
            state.withLock { state in
                state.planner.noteToken(seconds: seconds, isPlain: isPlain)
                if isPlain { state.statistics.plain += 1 }
            }
            return [step.logits]
        } catch {
            try? await goBack(to: written)
            throw error
        }
    }

    /// Several tokens at once, or without a look at what comes after them.
    private func readPlainly(
        _ tokens: [TokenID],
        _ selection: LogitSelection
    ) async throws(CollabError) -> [Logits] {
        let before = state.withLock { $0.written.count }
        try await goBack(to: before)
        do throws(CollabError) {
            state.withLock { $0.written += tokens }
            let rows = try await concurrently(Array(decoders.indices)) { (leaf) async throws(CollabError) in
                try await self.read(leaf, selection)
            }
            var steps: [Int: FusedStep] = [:]
            for index in (rows.first ?? []).indices {
                let count = before + tokens.count - rows[0].count + index + 1
                steps[count] = try fuse(rows.map { $0[index] }, after: count)
            }
            state.withLock { [steps] state in
                state.steps = steps
                state.rows = state.rows.map { _ in [:] }
            }
            return steps.sorted { $0.key < $1.key }.map(\.value.logits)
        } catch {
            try? await goBack(to: before)
            throw error
        }
    }

    /// Takes a token into the answer, and drops the guesses if it is not the first of them.
    private func accept(_ token: TokenID) async throws(CollabError) {
        let isGuessed = state.withLock { state in
            guard let guess = state.guesses.first else { return true }
            state.planner.noteGuess(of: guess.leaf, isRight: guess.token == token)
            guard guess.token == token else {
                state.statistics.wrong += 1
                return false
            }
            state.guesses.removeFirst()
            state.statistics.right += 1
            return true
        }
        if !isGuessed { try await goBack(to: state.withLock { $0.written.count }) }
        state.withLock { $0.written.append(token) }
    }

    /// Whether a model has yet to say what comes after the answer so far.
    private func isMissing(_ leaf: Int) -> Bool {
        state.withLock { $0.rows[leaf][$0.written.count] == nil }
    }

    /// All models that have to read what is written do so side by side.
    private func catchUp() async throws(CollabError) {
        _ = try await concurrently(decoders.indices.filter(isMissing)) { (leaf) async throws(CollabError) in
            try await self.read(leaf, .last)
        }
    }

    /// Takes turns, or reads side by side where a member cannot read a guess, as where a constraint of its own forbids it.
    private func takeTurnsIfPossible() async throws(CollabError) {
        do throws(CollabError) { try await takeTurns() } catch {
            guard error.code != .cancelled, state.withLock({ !$0.guesses.isEmpty }) else { throw error }
            try await leaveGuessesUnread()
            try await catchUp()
        }
    }

    /// Has everybody forget the guesses. The first one stays to be judged: a token drawn anew in its place would be the
    /// more probable, the more often guesses cannot be read.
    private func leaveGuessesUnread() async throws(CollabError) {
        let (kept, counts) = state.withLock { ($0.written.count, $0.counts) }
        try await takeBack(to: kept, from: counts)
        state.withLock { state in
            state.guesses.removeLast(state.guesses.count - 1)
            state.counts = state.counts.map { min($0, kept) }
            state.rows = state.rows.map { $0.filter { $0.key <= kept } }
        }
    }

    /// One model after the other reads, and guesses what the next is to read with it.
    private func takeTurns() async throws(CollabError) {
        var order = decoders.indices.filter(isMissing)
        let lead = state.withLock { $0.planner.lead }
        if order.count == decoders.count {
            // Nobody has read the latest token, so nobody can guess yet.
            _ = try await read(lead, .all)
            order.removeAll { $0 == lead }
        }
        for leaf in order {
            try await guess(before: leaf)
            _ = try await read(leaf, .all)
        }
    }

    /// The model that has read furthest guesses on.
    private func guess(before reader: Int) async throws(CollabError) {
        var made = 0
        while true {
            let held = state.withLock { $0 }
            guard !held.planner.isPlain else { return }
            let end = held.written.count + held.guesses.count
            guard let leaf = held.rows.indices.first(where: { held.rows[$0][end] != nil && $0 != reader }),
                made < held.planner.most(of: leaf), end < (decoders.indices.map { limit(of: $0) }.min() ?? 0),
                let row = held.rows[leaf][end],
                let token = favourite(of: row, held), token < vocabularySize,
                // That an end was drawn must not keep it from being judged.
                judge(held) != nil || !endTokens.contains(token)
            else { return }
            state.withLock { state in
                state.guesses.append((token, leaf))
                state.statistics.proposed += 1
            }
            made += 1
            // The last guess is read by the others first.
            guard made < held.planner.most(of: leaf) else { return }
            _ = try await read(leaf, .all)
        }
    }

    /// What a model would choose after the guesses.
    private func favourite(of row: Logits, _ held: State) -> TokenID? {
        let row = row.cut(to: vocabularySize)
        guard var sampler = held.sampler, sampler.sampling.temperature > 0 else { return row.best }
        for guess in held.guesses { sampler.pass(guess.token) }
        return try? sampler.choose(from: plan.proposal(from: row)).token
    }

    /// A model reads what it has not read of the answer and the guesses; returns its rows of the answer's tokens.
    private func read(_ leaf: Int, _ selection: LogitSelection) async throws(CollabError) -> [Logits] {
        let (text, count, end) = state.withLock { state in
            (state.written + state.guesses.map(\.token), state.counts[leaf], state.written.count)
        }
        let isToTheEnd = selection == .all
        let tokens = Array(text[count..<(isToTheEnd ? text.count : max(end, count))])
        guard !tokens.isEmpty else { return [] }
        let clock = ContinuousClock()
        let start = clock.now
        let rows: [Logits]
        do throws(CollabError) { rows = try await decoders[leaf].append(tokens, logits: selection) } catch {
            throw error.within(leaves.models[leaf].name)
        }
        let seconds = (clock.now - start) / .seconds(1)
        state.withLock { state in
            state.counts[leaf] = count + tokens.count
            for (index, row) in rows.enumerated() {
                let place = count + tokens.count - rows.count + index + 1
                if place >= end { state.rows[leaf][place] = row }
            }
            state.statistics.passes += 1
            if isToTheEnd { state.planner.notePass(of: leaf, tokens: tokens.count, seconds: seconds) }
        }
        return rows
    }

    /// Fuses a row of each model after so many tokens of the answer.
    private func fuse(_ rows: [Logits], after count: Int) throws(CollabError) -> FusedStep {
        let trail = state.withLock { state in
            if let known = state.trail?.count { state.trail?.append(state.written.dropFirst(known)) }
            return state.trail
        }
        return try plan.fuse(
            leaves.expand(rows),
            names: leaves.names,
            at: FusionMoment(written: count),
            leaving: try trail?.allowed(after: count)
        )
    }

    private func fuseLatest() throws(CollabError) -> FusedStep {
        let (rows, count) = state.withLock { state in
            (state.rows.map { $0[state.written.count] ?? Logits([]) }, state.written.count)
        }
        let step = try fuse(rows, after: count)
        state.withLock { state in
            state.decision = nil
            if let judge = judge(state), let guess = state.guesses.first, var coins = state.coins {
                state.decision = judge.token(
                    for: guess.token,
                    target: step.logits.cut(to: vocabularySize),
                    proposer: plan.proposal(from: rows[guess.leaf].cut(to: vocabularySize)),
                    &coins
                )
                state.coins = coins
            }
            state.steps = [count: step]
            state.rows = state.rows.map { $0.filter { $0.key > count } }
        }
        return step
    }

    // MARK: Going back

    func truncate(to count: Int) async throws(CollabError) {
        let kept = count - firsts[base]
        guard kept >= 0, count <= position else {
            throw CollabError(
                .invalidRequest,
                """
                A decoder of \(model.name) was asked to go back to \(count) tokens; \
                it can go to \(firsts[base]), where the answer begins, up to \(position).
                """
            )
        }
        try await goBack(to: kept)
    }

    /// Forgets the guesses and all but so many tokens of the answer.
    private func goBack(to kept: Int) async throws(CollabError) {
        try await takeBack(to: kept, from: state.withLock { $0.counts })
        state.withLock { state in
            state.written.removeLast(max(state.written.count - kept, 0))
            state.trail?.truncate(to: kept)
            state.guesses = []
            state.decision = nil
            state.counts = state.counts.map { min($0, kept) }
            state.rows = state.rows.map { _ in [:] }
            state.steps = state.steps.filter { $0.key <= kept }
        }
    }

    /// Has the models that have read more forget all but so many tokens of the answer.
    private func takeBack(to kept: Int, from counts: [Int]) async throws(CollabError) {
        _ = try await concurrently(Array(decoders.indices)) { (leaf) async throws(CollabError) in
            if counts[leaf] > kept { try await self.decoders[leaf].truncate(to: self.firsts[leaf] + kept) }
        }
    }

    func fork() async throws(CollabError) -> any Decoder {
        let count = state.withLock { $0.written.count }
        let forks = try await concurrently(decoders) { (decoder) async throws(CollabError) in
            try await decoder.fork()
        }
        let copy = AlternatingDecoder(self, forks)
        try await copy.goBack(to: count)
        return copy
    }
}

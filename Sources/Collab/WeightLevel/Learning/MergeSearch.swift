/// Learns a merge: drives a search for the numbers at which an objective is smallest.
///
/// ```swift
/// let search = MergeSearch(try CovarianceSearch(from: [0.5, 0.5], step: 0.3), limit: 60)
/// let outcome = try await search.run { weights in
///     try await heldOutLoss(of: merge(weights))
/// }
/// ```
///
/// The objective is whatever the program can compute, asynchronously: a loss on a few examples, the entropy of the
/// model's predictions on unlabelled text (``LogitModel/meanEntropy(over:)``), the error of a whole evaluation. Every
/// trial can be written to a journal; a search that is run again with it asks for nothing that is in there.
public struct MergeSearch: Sendable {
    /// A point that was tried.
    public struct Trial: Hashable, Sendable, Codable {
        /// The numbers.
        public var point: [Double]
        /// What the objective gave, without any penalty.
        public var loss: Double

        /// Makes a trial.
        public init(point: [Double], loss: Double) {
            (self.point, self.loss) = (point, loss)
        }
    }

    /// How far a search is.
    public struct Progress: Hashable, Sendable {
        /// How many points have been tried.
        public var trials: Int
        /// At most how many will be.
        public var limit: Int
        /// The last one.
        public var last: Trial
        /// The best so far, penalties included in the comparison.
        public var best: Trial
    }

    /// What a search has found.
    public struct Outcome: Hashable, Sendable, Codable {
        /// Why it ended.
        public enum End: String, Hashable, Sendable, Codable {
            /// The search had nothing more to try.
            case finished
            /// The limit of trials was reached.
            case limit
            /// There was no improvement for as long as was allowed.
            case patience
            /// The loss is as small as was asked for.
            case target
        }

        /// The best point and its loss.
        public var best: Trial
        /// All points, in the order in which they were tried.
        public var trials: [Trial]
        /// Why the search ended.
        public var end: End
    }

    /// The way of looking.
    public let search: any ParameterSearch
    /// At most how many points are tried.
    public let limit: Int
    /// After how many trials without a better one the search ends; `nil` goes on.
    public let patience: Int?
    /// The search ends when the penalised loss is not above this.
    public let target: Double?
    /// How many points of a round are tried at once.
    public let concurrency: Int
    /// What is added to the loss in comparisons: this times the mean of the numbers' magnitudes.
    public let magnitudePenalty: Double

    /// Makes a search.
    ///
    /// - Parameters:
    ///   - search: the way of looking.
    ///   - limit: at most how many points are tried.
    ///   - patience: after how many trials without a better one it ends.
    ///   - target: at which loss it ends.
    ///   - magnitudePenalty: how much large numbers are disliked; 0.05 in LoraHub.
    ///   - concurrency: how many points of a round are tried at once.
    public init(
        _ search: some ParameterSearch,
        limit: Int,
        patience: Int? = nil,
        target: Double? = nil,
        magnitudePenalty: Double = 0,
        concurrency: Int = 1
    ) {
        self.search = search
        self.limit = limit
        self.patience = patience
        self.target = target
        self.magnitudePenalty = magnitudePenalty
        self.concurrency = max(1, concurrency)
    }

    /// LoraHub's search for the weights of adapters: from 0, within ±1.5, with a penalty of 0.05 times the mean magnitude.
    ///
    /// C. Huang et al., *LoraHub: Efficient Cross-Task Generalization via Dynamic LoRA Composition*, 2023. The original
    /// searches with NGOpt of nevergrad; here it is ``CovarianceSearch``.
    /// Throws ``CollabError/Code/invalidRequest`` for no adapters.
    public static func loraHub(
        memberCount: Int,
        limit: Int = 40,
        seed: UInt64 = 42
    ) throws(CollabError) -> MergeSearch {
        MergeSearch(
            try CovarianceSearch(
                from: Array(repeating: 0, count: memberCount),
                step: 0.5,
                bounds: SearchBounds(-1.5, 1.5),
                seed: seed
            ),
            limit: limit,
            magnitudePenalty: 0.05
        )
    }

    /// Runs the search.
    ///
    /// - Parameters:
    ///   - journal: the trials of an earlier run of the same search, in the order in which they were recorded, which are
    ///     not tried again.
    ///   - record: told every new trial, in order; to go on later, keep them. Where several are tried at once and one
    ///     fails, it is told those that did not before the error is thrown. A failure of its own ends the search.
    ///   - report: told of every trial, old or new.
    ///   - objective: the loss at a point; infinity for a point that cannot be used.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for a limit below 1 or a journal of another search,
    /// ``CollabError/Code/notFinite`` for a loss that is no number, ``CollabError/Code/cancelled``, and what the
    /// objective throws.
    public func run(
        resuming journal: [Trial] = [],
        recording record: (Trial) throws(CollabError) -> Void = { _ in },
        reporting report: (Progress) -> Void = { _ in },
        objective: @escaping @Sendable (_ point: [Double]) async throws(CollabError) -> Double
    ) async throws(CollabError) -> Outcome {
        guard limit > 0 else {
            throw CollabError(.invalidRequest, "A search of \(limit) trials finds nothing.")
        }
        var search = search
        var trials: [Trial] = []
        var best: (trial: Trial, cost: Double, place: Int)?
        var journal = journal[...]
        while true {
            let points = search.nextPoints()
            guard !points.isEmpty, trials.count < limit else {
                guard let best else {
                    throw CollabError(.invalidRequest, "\(search.name) names no point to try.")
                }
                return Outcome(best: best.trial, trials: trials, end: points.isEmpty ? .finished : .limit)
            }
            // The last round may be cut short: what is missing is not learnt from.
            let count = min(points.count, limit - trials.count)
            let known = try self.known(points, from: &journal)
            var losses: [Double] = []
            var start = 0
            while start < count {
                try checkCancellation()
                let group = start..<min(start + concurrency, count)
                let tried = try await tried(Array(points[group]), known: known[group], record, objective)
                for trial in tried {
                    let cost = trial.loss + penalty(trial.point)
                    if best == nil || cost < best?.cost ?? .infinity { best = (trial, cost, trials.count) }
                    trials.append(trial)
                    losses.append(cost)
                    report(
                        Progress(
                            trials: trials.count,
                            limit: limit,
                            last: trial,
                            best: best?.trial ?? trial
                        )
                    )
                }
                start += group.count
                guard let best else { continue }
                if let target, best.cost <= target {
                    return Outcome(best: best.trial, trials: trials, end: .target)
                }
                if let patience, trials.count - 1 - best.place >= patience {
                    return Outcome(best: best.trial, trials: trials, end: .patience)
                }
            }
            if count == points.count { search.learn(losses) }
        }
    }

    private func penalty(_ point: [Double]) -> Double {
        magnitudePenalty * point.reduce(0) { $0 + abs($1) } / Double(max(1, point.count))
    }

    /// The trials of a round that a journal has, each at its point's place.
    ///
    /// Of points that were tried at once, one that failed is missing, and comes after the others when it is tried again.
    private func known(
        _ points: [[Double]],
        from journal: inout ArraySlice<Trial>
    ) throws(CollabError) -> [Trial?] {
        var known = [Trial?](repeating: nil, count: points.count)
        while let next = journal.first {
            guard let place = points.indices.first(where: { known[$0] == nil && points[$0] == next.point })
            else {
                if known.allSatisfy({ $0 != nil }) { break }
                let missing = points.indices.first { known[$0] == nil } ?? 0
                throw CollabError(
                    .invalidRequest,
                    "The journal is of another search: it has \(next.point) where \(search.name) tries "
                        + "\(points[missing])."
                )
            }
            known[place] = next
            journal.removeFirst()
        }
        return known
    }

    private func tried(
        _ points: [[Double]],
        known: ArraySlice<Trial?>,
        _ record: (Trial) throws(CollabError) -> Void,
        _ objective: @escaping @Sendable (_ point: [Double]) async throws(CollabError) -> Double
    ) async throws(CollabError) -> [Trial] {
        var trials = Array(known)
        let missing = points.indices.filter { trials[$0] == nil }
        let outcomes = await concurrentOutcomes(
            missing.map { points[$0] },
            cancellingOnFailure: true,
            objective
        )
        var failure: CollabError?
        for (place, outcome) in zip(missing, outcomes) {
            let point = points[place]
            switch outcome {
            case .success(let loss) where loss.isNaN:
                failure = failure ?? CollabError(.notFinite, "The objective at \(point) is no number.")
            case .success(let loss):
                let trial = Trial(point: point, loss: loss)
                try record(trial)
                trials[place] = trial
            case .failure(let error):
                // A sibling that was cancelled because of the failure must not hide it.
                if failure == nil || failure?.code == .cancelled { failure = error }
            }
        }
        if let failure { throw failure }
        return trials.compactMap { $0 }
    }
}

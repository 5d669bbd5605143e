public import CollabKernels

extension InterferenceReport {
    /// Measures how much task vectors stand in one another's way.
    ///
    /// Every tensor is read once, slice by slice, on threads of its own; sums are taken in double precision, tensor by
    /// tensor, so the figures are the same on any number of threads.
    ///
    /// - Parameters:
    ///   - members: the models that are to be merged.
    ///   - base: the model that all of them come from.
    ///   - rank: of how many leading singular directions the overlap is measured (``SubspaceOverlap``); `nil` for none,
    ///     since the decompositions take much longer than reading.
    ///   - threads: how many tensors are read at a time.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` for no members, ``CollabError/Code/tensorMismatch`` naming the first
    /// tensor that differs in name or shape, ``CollabError/Code/notFinite`` naming a tensor, what reading throws, and
    /// ``CollabError/Code/cancelled``.
    public init(
        of members: [any Checkpoint],
        base: any Checkpoint,
        rank: Int? = nil,
        threads: Int = WorkerPool.physicalCores
    ) async throws(CollabError) {
        guard !members.isEmpty else {
            throw CollabError(.emptyTeam, "A report of interference needs members; give it checkpoints.")
        }
        for member in members { try checkTensors(of: member, against: base) }
        let queue = MeasuringQueue(members: members, base: base, rank: rank)
        let count = max(1, min(threads, base.tensors.count))
        let outcome = await withTaskCancellationHandler {
            await concurrentOutcomes(Array(0..<count)) { (_) async throws(CollabError) in
                try await Background.run { () throws(CollabError) in try queue.work() }
            }
        } onCancel: {
            queue.cancel()
        }
        try checkCancellation()
        for result in outcome { try result.get() }
        self.init(base: base.name, members: members.map(\.name), tensors: queue.tensors)
    }
}

/// The tensors that have to be measured, handed out to the threads, the largest first.
private final class MeasuringQueue: Sendable {
    private struct State {
        var next = 0
        var isCancelled = false
        var figures: [Measured?]
    }

    private let members: [any Checkpoint]
    private let base: any Checkpoint
    private let rank: Int?
    private let order: [Int]
    private let state: Protected<State>

    private typealias Measured = (figures: InterferenceFigures, subspaces: SubspaceOverlap?)

    init(members: [any Checkpoint], base: any Checkpoint, rank: Int?) {
        self.rank = rank
        self.members = members
        self.base = base
        let sizes = base.tensors.map(\.elementCount)
        order = sizes.indices.sorted { (sizes[$0], $1) > (sizes[$1], $0) }
        state = Protected(State(figures: Array(repeating: nil, count: sizes.count)))
    }

    var tensors: [InterferenceReport.Tensor] {
        let figures = state.withLock { $0.figures }
        return zip(base.tensors, figures).compactMap { tensor, figures in
            figures.map {
                InterferenceReport.Tensor(name: tensor.name, figures: $0.figures, subspaces: $0.subspaces)
            }
        }
    }

    func cancel() { state.withLock { $0.isCancelled = true } }

    /// Measures tensors until none is left.
    func work() throws(CollabError) {
        while let index = next() {
            let figures = try measure(base.tensors[index])
            state.withLock { $0.figures[index] = figures }
        }
    }

    private func next() -> Int? {
        let place = state.withLock { state -> Int? in
            guard !state.isCancelled, state.next < order.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
        return place.map { order[$0] }
    }

    private func measure(_ tensor: TensorDescription) throws(CollabError) -> Measured {
        var figures = InterferenceFigures(memberCount: members.count)
        let inputs = TensorInputs(tensor: tensor, members: members, base: base, requiresFinite: true)
        let block = min(TensorInputs.blockSize, tensor.elementCount)
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: block * members.count)
        defer { memory.deallocate() }
        try inputs.readSlices { (slice) throws(CollabError) -> Bool in
            if let base = slice.base { figures.add(deltas: slice.deltas(in: memory), base: base) }
            return state.withLock { !$0.isCancelled }
        }
        guard let rank, rank > 0, tensor.shape.count == 2, tensor.elementCount <= Self.largestMatrix,
            !state.withLock({ $0.isCancelled })
        else { return (figures, nil) }
        return (figures, try SubspaceOverlap(of: TaskMatrices(inputs), rank: rank))
    }

    /// Embeddings of large vocabularies are not decomposed.
    private static let largestMatrix = 1 << 26
}

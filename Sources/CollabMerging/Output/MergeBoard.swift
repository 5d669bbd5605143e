import Collab
import CollabBackends
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The tensors that have to be written, handed out to the workers.
///
/// A tensor is computed by one worker, the largest tensors first, so that the workers finish together. What takes much
/// memory waits until there is room for it beside what others compute; a worker that finds nothing to do but that is not
/// needed any more.
final class MergeBoard: Sendable {
    private struct Work: Sendable {
        var tensor: TensorDescription
        var shard: Int
        var memory: Int
    }

    private struct State: Sendable {
        var queue: MergeQueue
        var bytes = 0
        var resumedBytes = 0
        var tensors = 0
        var resumedTensors = 0
        var lastReport = 0.0
        var failure: (place: Int, error: CollabError)?
    }

    private let shards: [WeightShard]
    private let plan: MergePlan
    private let journal: MergeJournal
    private let flushes: Bool
    private let report: @Sendable (MergeProgress) -> Void
    private let isCancelled: @Sendable () -> Bool
    private let work: [Work]
    private let totalBytes: Int
    private let began = MergeBoard.now()
    private let state: Protected<State>
    /// The seconds between two reports.
    private static let reportInterval = 0.2

    init(
        _ shards: [WeightShard],
        plan: MergePlan,
        journal: MergeJournal,
        flushes: Bool,
        report: @escaping @Sendable (MergeProgress) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) {
        self.shards = shards
        self.plan = plan
        self.journal = journal
        self.flushes = flushes
        self.report = report
        self.isCancelled = isCancelled
        var work: [Work] = []
        for (index, shard) in shards.enumerated() {
            work += shard.tensors.map {
                Work(tensor: $0, shard: index, memory: plan.workingByteCounts[$0.name] ?? 0)
            }
        }
        totalBytes = work.reduce(0) { $0 + $1.tensor.storedByteCount }
        self.work = work.enumerated()
            .sorted {
                ($1.element.tensor.elementCount, $0.offset) < ($0.element.tensor.elementCount, $1.offset)
            }
            .map(\.element)
        state = Protected(State(queue: MergeQueue(self.work.map(\.memory))))
    }

    /// How far the merge is.
    var progress: MergeProgress {
        let now = Self.now()
        return state.withLock { progress($0, now) }
    }

    /// How many tensors were complete before this run.
    var resumedTensors: Int { state.withLock { $0.resumedTensors } }

    /// Writes all tensors; throws the error of the tensor that comes first.
    func run(threads: Int, blockElements: Int) throws(CollabError) {
        let pool: WorkerPool
        do throws(KernelError) { pool = try WorkerPool(workers: threads) } catch {
            throw CollabError(.invalidRequest, error.message)
        }
        pool.run { _ in self.workOff(blockElements) }
        if let failure = state.withLock({ $0.failure }) { throw failure.error }
        if isCancelled() { throw CollabError.cancelled }
        report(progress)
    }

    private func workOff(_ blockElements: Int) {
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: blockElements)
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: blockElements * 4, alignment: 64)
        defer {
            buffer.deallocate()
            scratch.deallocate()
        }
        while let place = take() {
            defer { state.withLock { $0.queue.finish(place) } }
            // What is computed of whole matrices takes long before the first block is there.
            do throws(CollabError) {
                try ThreadCancellation.asking({ self.isUnwanted(place) }) { () throws(CollabError) in
                    try write(work[place], buffer, scratch)
                }
            } catch {
                state.withLock { state in
                    if place < state.failure?.place ?? .max { state.failure = (place, error) }
                }
                return
            }
        }
    }

    /// Whether a tensor need not be finished: the merge has been cancelled, or a tensor before it has failed.
    private func isUnwanted(_ place: Int) -> Bool {
        isCancelled() || state.withLock { $0.failure?.place ?? .max } < place
    }

    /// The place of the next tensor that there is memory for; `nil` when there is none, or no more are wanted.
    private func take() -> Int? {
        if isCancelled() { return nil }
        return state.withLock { state in state.failure == nil ? state.queue.take() : nil }
    }

    private func write(
        _ work: Work,
        _ buffer: UnsafeMutableBufferPointer<Float>,
        _ scratch: UnsafeMutableRawBufferPointer
    ) throws(CollabError) {
        let (tensor, shard) = (work.tensor, shards[work.shard])
        if shard.isContinued, let expected = journal.finished[tensor.name] {
            var found = BlockChecksum()
            try shard.forEachPiece(of: tensor.name, using: scratch) { found.update($0) }
            if found.value == expected {
                advance(by: tensor.storedByteCount, completing: true, isResumed: true)
                return
            }
        }
        var checksum = BlockChecksum()
        if let storage = plan.result.storage(of: tensor.name), storage.format == tensor.format {
            let step = scratch.count / tensor.format.blockBytes * tensor.format.blockBytes
            try copy(storage, to: tensor, shard, step, buffer, &checksum)
        } else {
            var start = 0
            while start < tensor.elementCount {
                if isCancelled() { throw CollabError.cancelled }
                let left = tensor.elementCount - start
                let count =
                    left <= buffer.count
                    ? left : try shard.evenCount(of: tensor.name, from: start, atMost: buffer.count)
                try write(start..<start + count, of: tensor, shard, buffer, scratch, &checksum)
                start += count
                advance(by: count / tensor.format.blockElements * tensor.format.blockBytes)
            }
        }
        try journal.note(tensor.name, checksum: checksum.value)
        if flushes { shard.beginFlushing(tensor.name) }
        advance(by: 0, completing: true)
    }

    /// Computes and writes elements of a tensor.
    private func write(
        _ elements: Range<Int>,
        of tensor: TensorDescription,
        _ shard: WeightShard,
        _ buffer: UnsafeMutableBufferPointer<Float>,
        _ scratch: UnsafeMutableRawBufferPointer,
        _ checksum: inout BlockChecksum
    ) throws(CollabError) {
        if tensor.format == .bf16, let rounded = plan.result as? any RoundedCheckpoint {
            let bytes = UnsafeMutableRawBufferPointer(rebasing: scratch[..<(2 * elements.count)])
            if try rounded.readRounded(tensor.name, elements: elements, into: bytes) {
                checksum.update(UnsafeRawBufferPointer(bytes))
                return try shard.write(
                    bytes: UnsafeRawBufferPointer(bytes),
                    to: tensor.name,
                    atByte: 2 * elements.lowerBound
                )
            }
        }
        let block = UnsafeMutableBufferPointer(rebasing: buffer[..<elements.count])
        try plan.result.read(tensor.name, elements: elements, into: block)
        try shard.write(
            UnsafeBufferPointer(block),
            to: tensor.name,
            at: elements.lowerBound,
            using: scratch,
            mayOverflow: !plan.requiresFinite
        ) { checksum.update($0) }
    }

    /// Copies a tensor that the merge leaves as it is.
    private func copy(
        _ storage: TensorStorage,
        to tensor: TensorDescription,
        _ shard: WeightShard,
        _ step: Int,
        _ buffer: UnsafeMutableBufferPointer<Float>,
        _ checksum: inout BlockChecksum
    ) throws(CollabError) {
        try storage.withBytes { (bytes) throws(CollabError) in
            var start = 0
            while start < bytes.count {
                if isCancelled() { throw CollabError.cancelled }
                let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + step, bytes.count)])
                try checkFinite(piece, from: start, of: tensor, buffer)
                checksum.update(piece)
                try shard.write(bytes: piece, to: tensor.name, atByte: start)
                start += piece.count
                advance(by: piece.count)
            }
        }
        try storage.checkUnchanged()
    }

    /// Throws what reading throws for a piece of a stored tensor in which something is not finite.
    private func checkFinite(
        _ piece: UnsafeRawBufferPointer,
        from byte: Int,
        of tensor: TensorDescription,
        _ buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        let (width, size) = (tensor.format.blockElements, tensor.format.blockBytes)
        let count = piece.count / size * width
        guard plan.requiresFinite,
            !TensorConversion.isFinite(tensor.format, bytes: piece, elements: 0..<count)
        else { return }
        let (first, step) = (byte / size * width, buffer.count / width * width)
        for start in stride(from: first, to: first + count, by: step) {
            let range = start..<min(start + step, first + count)
            try plan.result.read(
                tensor.name,
                elements: range,
                into: UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])
            )
        }
    }

    private func advance(by bytes: Int, completing: Bool = false, isResumed: Bool = false) {
        let now = Self.now()
        let due = state.withLock { state -> MergeProgress? in
            state.bytes += bytes
            if completing { state.tensors += 1 }
            if isResumed {
                state.resumedBytes += bytes
                state.resumedTensors += 1
            }
            guard now - state.lastReport >= Self.reportInterval else { return nil }
            state.lastReport = now
            return progress(state, now)
        }
        if let due { report(due) }
    }

    private func progress(_ state: State, _ now: Double) -> MergeProgress {
        MergeProgress(
            bytes: state.bytes,
            totalBytes: totalBytes,
            resumedBytes: state.resumedBytes,
            tensors: state.tensors,
            totalTensors: work.count,
            seconds: now - began
        )
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

import Collab
import CollabKernels

/// What a merge is expected to take.
public struct MergeForecast: Hashable, Sendable {
    /// How often the inputs are read: methods that must know whole tensors read them more than once.
    public var passes: Int
    /// The most memory beside mapped pages of the inputs.
    public var peakByteCount: Int
    /// The most disk space for scratch files, which are in the folder that the variable `TMPDIR` names, or in `/var/tmp`.
    public var scratchByteCount: Int
    /// How long it takes, by rough rates: an order of magnitude, not a measurement.
    public var seconds: Double
}

extension MergePlan {
    /// Estimates what the merge takes.
    ///
    /// The rates are fitted to `collab-bench merge` on two cores of a server for the methods that it measures, with inputs
    /// in bfloat16 that the system has in memory; those of the others are guesses. A slow disk makes it longer.
    public func forecast(threads: Int? = nil) -> MergeForecast {
        let threads = threads ?? WorkerPool.physicalCores
        let cost = Self.cost(of: document.method)
        let buffers = (inputs.count + 3) * (1 << 16) * 4 + (1 << 16) * 8
        let matrices = matrixByteCount(threads: threads)
        let read = Double(inputByteCount) * Double(cost.passes)
        let seconds = (read / cost.rate + Double(byteCount) / 2e9) * 2 / Double(max(1, threads))
        return MergeForecast(
            passes: cost.passes,
            peakByteCount: threads * buffers + matrices + (16 << 20),
            scratchByteCount: scratchByteCount(threads: threads),
            seconds: seconds
        )
    }

    /// How much of whole matrices is in memory at a time, over all tensors that are computed; more only for a tensor that
    /// takes more alone.
    static let mostMatrixBytes = 240 << 20

    /// What the matrices of the tensors that are computed at the same time take at most.
    private func matrixByteCount(threads: Int) -> Int {
        let largest = workingByteCounts.values.sorted(by: >).prefix(max(1, threads))
        return max(largest.first ?? 0, min(largest.reduce(0, +), Self.mostMatrixBytes))
    }

    /// What the scratch files of the tensors that are computed at the same time take at most.
    private func scratchByteCount(threads: Int) -> Int {
        let smallest = scratchByteCounts.keys.map { workingByteCounts[$0] ?? 0 }.min() ?? 0
        let together = smallest > 0 ? max(1, Self.mostMatrixBytes / smallest) : threads
        return scratchByteCounts.values.sorted(by: >).prefix(max(1, min(threads, together))).reduce(0, +)
    }

    /// How often inputs are read, and how many of their bytes a second two threads get through.
    private static func cost(of method: String) -> (passes: Int, rate: Double) {
        switch method {
        case "linear", "task_arithmetic": (1, 1e10)
        case "slerp", "model_stock": (2, 1.2e10)
        case "dare_linear", "dare_ties", "ties": (2, 9e9)
        case "nearswap", "passthrough": (1, 4e9)
        case "nuslerp", "multislerp", "karcher": (2, 4e9)
        case "breadcrumbs", "breadcrumbs_ties", "sce": (4, 3e9)
        case "della", "della_linear": (3, 0.3e9)
        default: (3, 1e9)
        }
    }
}

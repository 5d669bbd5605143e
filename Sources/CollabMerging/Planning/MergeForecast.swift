import Collab
import CollabKernels

/// What a merge is expected to take.
public struct MergeForecast: Hashable, Sendable {
    /// How often the inputs are read: methods that must know whole tensors read them more than once.
    public var passes: Int
    /// The most memory beside mapped pages of the inputs.
    public var peakByteCount: Int
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
        let largest = tensors.map(\.elementCount).max() ?? 0
        let buffers = (inputs.count + 3) * (1 << 16) * 4 + (1 << 16) * 8
        let isRandom = document.method.hasPrefix("della") || document.method.hasPrefix("dare")
        let masks = isRandom ? largest / 8 * inputs.count : 0
        let matrices = Self.matrixByteCount(of: document.method, tensors, members: inputs.count)
        let read = Double(inputByteCount) * Double(cost.passes)
        let seconds = (read / cost.rate + Double(byteCount) / 2e9) * 2 / Double(max(1, threads))
        return MergeForecast(
            passes: cost.passes,
            peakByteCount: threads * (buffers + masks + matrices) + (16 << 20),
            seconds: seconds
        )
    }

    /// What a method holds of whole matrices: the members' changes, the result's, and what decomposing them takes, in double
    /// precision, of the largest matrix that is merged as one.
    private static func matrixByteCount(of method: String, _ tensors: [TensorDescription], members: Int)
        -> Int
    {
        let copies: Int
        switch method {
        case "iso_c", "iso_cts", "tsv_m", "wudi": copies = 3 * members + 4
        case "regmean": copies = members + 4
        default: return 0
        }
        let limit = 1 << 26
        let matrices = tensors.filter { $0.shape.count == 2 && $0.elementCount <= limit }
        let square = method == "regmean" ? matrices.map { $0.shape[1] * $0.shape[1] }.max() ?? 0 : 0
        return 8 * (copies * (matrices.map(\.elementCount).max() ?? 0) + (members + 2) * square)
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

import Collab
import CollabKernels

/// Adds up XᵀX of the vectors that enter a model's matrices while it reads.
final class GramCollector: Sendable {
    /// The matrices that stand for all: the others read the same vectors.
    static let sites: [LayerTensor] = [.query, .attentionOutput, .gate, .down]

    private struct Sum: Sendable {
        var width: Int
        /// Vectors that have not been added yet.
        var pending: [Float] = []
        var product: [Float]
        var count = 0

        init(width: Int) {
            self.width = width
            product = [Float](repeating: 0, count: width * width)
        }

        mutating func add(_ vector: UnsafeBufferPointer<Float>) {
            pending.append(contentsOf: vector)
            count += 1
            if pending.count >= width * 128 { flush() }
        }

        mutating func flush() {
            let rows = pending.count / width
            if rows == 0 { return }
            BLAS.sgemm(
                .transposed,
                .normal,
                m: width,
                n: width,
                k: rows,
                a: pending,
                lda: width,
                b: pending,
                ldb: width,
                beta: 1,
                c: &product,
                ldc: width
            )
            pending.removeAll(keepingCapacity: true)
        }
    }

    private struct Key: Hashable {
        var layer: Int
        var tensor: LayerTensor
    }

    private let sums: [Key: Protected<Sum>]

    init(_ configuration: TransformerConfiguration) {
        var sums: [Key: Protected<Sum>] = [:]
        for layer in configuration.layers.indices {
            for tensor in Self.sites {
                guard let shape = configuration.shape(of: tensor), shape.count == 2 else { continue }
                sums[Key(layer: layer, tensor: tensor)] = Protected(Sum(width: shape[1]))
            }
        }
        self.sums = sums
    }

    /// What the engine tells of its inputs.
    var probe: ActivationProbe {
        ActivationProbe { [sums] layer, tensor, _, vector in
            sums[Key(layer: layer, tensor: tensor)]?.withLock { $0.add(vector) }
        }
    }

    /// The mean of x xᵀ over all vectors that entered a matrix.
    func mean(layer: Int, tensor: LayerTensor) -> [Float]? {
        sums[Key(layer: layer, tensor: tensor)]?.withLock { sum in
            sum.flush()
            let factor = 1 / Float(max(1, sum.count))
            return sum.product.map { factor * $0 }
        }
    }
}

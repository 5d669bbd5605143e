import Collab
import CollabBackends
import CollabKernels
import Foundation
import Testing

@Suite("Whole tensors of the real models")
struct WholeTensorTests {
    private struct Golden: Decodable {
        struct Tensor: Decodable {
            struct Whole: Decodable {
                var sum: Double
                var l2: Double
                var min: Double
                var max: Double
            }
            var model: String
            var tensor: String
            var all: Whole
        }
        var tensors: [Tensor]
    }

    /// Tests of single rows would not see a block that is left out or read twice.
    @Test("sum, length, least and largest element are the reference's")
    func sums() throws {
        let golden = try JSONDecoder().decode(
            Golden.self,
            from: Data(contentsOf: fixture("goldens/logit/dequant.json"))
        )
        #expect(golden.tensors.count == 10)
        let checkpoints: [String: GGUFCheckpoint] = [
            "smollm2": try GGUFCheckpoint(path: RealModel.smolLM2.path),
            "gemma3": try GGUFCheckpoint(path: RealModel.gemma3.path),
        ]
        for tensor in golden.tensors {
            let checkpoint = try #require(checkpoints[tensor.model])
            let whole = try summary(of: tensor.tensor, in: checkpoint)
            let name = "\(tensor.model), \(tensor.tensor)"
            // Printed with three and four decimals, and added up in blocks in single precision.
            #expect(abs(whole.sum - tensor.all.sum) < 1e-3 + 1e-9 * whole.absolute, "\(name)")
            #expect(abs(whole.l2 - tensor.all.l2) < 1e-4 + 1e-6 * tensor.all.l2, "\(name)")
            #expect(abs(whole.min - tensor.all.min) < 1e-6, "\(name)")
            #expect(abs(whole.max - tensor.all.max) < 1e-6, "\(name)")
        }
    }

    private struct Summary {
        var sum = 0.0
        /// What bounds the error of the sum: √(n Σ x²) ≥ Σ |x|.
        var absolute = 0.0
        var l2 = 0.0
        var min = Double.infinity
        var max = -Double.infinity
    }

    private func summary(of tensor: String, in checkpoint: some Checkpoint) throws -> Summary {
        let count = try #require(checkpoint.description(of: tensor)).elementCount
        var (summary, squares) = (Summary(), 0.0)
        let size = min(count, 1 << 20)
        var values = [Float](repeating: .nan, count: size)
        let ones = [Float](repeating: 1, count: size)
        for start in stride(from: 0, to: count, by: size) {
            let range = start..<min(start + size, count)
            try values.withUnsafeMutableBufferPointer { buffer in
                let part = UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])
                try checkpoint.read(tensor, elements: range, into: part)
                let first = part.baseAddress!
                summary.max = Swift.max(summary.max, Double(Distribution.max(UnsafeBufferPointer(part))))
                for block in stride(from: 0, to: range.count, by: 4096) {
                    let length = Swift.min(4096, range.count - block)
                    summary.sum += Double(VectorKernels.dot(first + block, ones, count: length))
                    squares += Double(VectorKernels.dot(first + block, first + block, count: length))
                }
                VectorKernels.scale(first, by: -1, count: range.count, into: first)
                summary.min = Swift.min(summary.min, -Double(Distribution.max(UnsafeBufferPointer(part))))
            }
        }
        summary.l2 = squares.squareRoot()
        summary.absolute = (squares * Double(count)).squareRoot()
        return summary
    }
}

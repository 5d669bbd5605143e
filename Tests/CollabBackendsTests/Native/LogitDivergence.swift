import Collab
import CollabKernels
import Foundation

extension Logits {
    /// KL(self ‖ other) of the two rows' distributions, in nats.
    func divergence(from other: Logits) -> Double {
        let sums = [self, other].map { $0.values.withUnsafeBufferPointer { Distribution.logSumExp($0) } }
        // No logit of the tested models is so large that its exponential overflows.
        var (weights, difference) = (values, values)
        VectorKernels.exp(values, count: weights.count, into: &weights)
        VectorKernels.add(-1, times: other.values, count: weights.count, to: &difference)
        let mean = Double(VectorKernels.dot(weights, difference, count: weights.count)) / exp(sums[0])
        return mean - (sums[0] - sums[1])
    }
}

import Collab
import CollabKernels

extension VectorKernels {
    /// Whether every element is a number: a sum of squares is finite only then (or overflows beyond 10³⁸).
    static func isFinite(_ values: UnsafeMutableBufferPointer<Float>) -> Bool {
        guard let base = values.baseAddress else { return true }
        return dot(base, base, count: values.count).isFinite
    }

    /// Whether every element is a number.
    static func isFinite(_ values: [Float]) -> Bool {
        values.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return true }
            return dot(base, base, count: buffer.count).isFinite
        }
    }
}

extension WorkerPool {
    /// A team whose threads the system may refuse.
    convenience init(teamOf workers: Int) throws(CollabError) {
        do throws(KernelError) {
            try self.init(workers: workers)
        } catch {
            throw CollabError(.invalidRequest, error.message)
        }
    }
}

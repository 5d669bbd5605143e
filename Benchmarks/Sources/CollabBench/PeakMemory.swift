import Foundation

/// The most memory of this process's own, looked at every few milliseconds: what is held while a tensor is prepared is gone
/// when progress is reported.
final class PeakMemory: @unchecked Sendable {
    // Sendable: the numbers are touched under the lock only.
    private let lock = NSLock()
    /// What methods that look at whole matrices, and aligning, promise to stay below.
    static let limit = 300_000_000
    private var largest = 0
    private var isStopped = false

    init() {
        Thread.detachNewThread { [self] in
            while lock.withLock({ !isStopped }) {
                let bytes = ProcessUsage.anonymousBytes
                lock.withLock { largest = max(largest, bytes) }
                Thread.sleep(forTimeInterval: 0.003)
            }
        }
    }

    func stop() { lock.withLock { isStopped = true } }
    var value: Int { lock.withLock { largest } }
}

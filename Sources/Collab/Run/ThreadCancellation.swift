#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Cancellation on threads that belong to no task: whoever starts their work says how it is asked for.
///
/// Values of tasks are of no use there: in optimised builds setting one on a thread without a task ends the process.
package enum ThreadCancellation {
    private final class Question {
        let isCancelled: @Sendable () -> Bool
        init(_ isCancelled: @escaping @Sendable () -> Bool) { self.isCancelled = isCancelled }
    }

    private static let key = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// Whether what this thread does is no longer wanted.
    static var isRequested: Bool {
        guard let address = pthread_getspecific(key) else { return false }
        return Unmanaged<Question>.fromOpaque(address).takeUnretainedValue().isCancelled()
    }

    /// Does something on this thread that is cancelled when the answer to a question becomes yes.
    package static func asking<Result, Failure: Error>(
        _ isCancelled: @escaping @Sendable () -> Bool,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let (question, outer) = (Question(isCancelled), pthread_getspecific(key))
        pthread_setspecific(key, Unmanaged.passUnretained(question).toOpaque())
        defer { withExtendedLifetime(question) { _ = pthread_setspecific(key, outer) } }
        return try body()
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Work that takes long and must not occupy Swift's cooperative pool: it gets a thread of its own.
package enum Background {
    /// Runs a closure on a new thread and waits for its result without blocking one of the pool's.
    package static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(CollabError) -> Value
    ) async throws(CollabError) -> Value {
        try checkCancellation()
        return try await result(body).get()
    }

    /// The outcome of a closure on a new thread; for work that is started beside other work.
    package static func result<Value: Sendable>(
        _ body: @escaping @Sendable () throws(CollabError) -> Value
    ) async -> Result<Value, CollabError> {
        await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, CollabError>, Never>) in
            let status = startThread {
                continuation.resume(returning: Result { () throws(CollabError) in try body() })
            }
            if status != 0 {
                let message = "A thread of its own could not be started: error \(status)."
                continuation.resume(returning: .failure(CollabError(.inputOutput, message)))
            }
        }
    }
}

private final class ThreadStart {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Starts a detached thread that runs a closure; returns 0, or the system's error.
package func startThread(_ body: @escaping @Sendable () -> Void) -> Int32 {
    let context = Unmanaged.passRetained(ThreadStart(body)).toOpaque()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Secondary threads of macOS have half a megabyte otherwise.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    defer { pthread_attr_destroy(&attributes) }
    #if canImport(Glibc)
        var thread = pthread_t()
        let status = pthread_create(
            &thread,
            &attributes,
            { context in
                Unmanaged<ThreadStart>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            },
            context
        )
    #elseif canImport(Musl)
        var thread: pthread_t?
        let status = pthread_create(
            &thread,
            &attributes,
            { context in
                Unmanaged<ThreadStart>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            },
            context
        )
    #else
        var thread: pthread_t?
        let status = pthread_create(
            &thread,
            &attributes,
            { context in
                Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            context
        )
    #endif
    if status != 0 { Unmanaged<ThreadStart>.fromOpaque(context).release() }
    return status
}

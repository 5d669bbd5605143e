import Collab
import Dispatch

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Control-C stops the work at the next block; what is done is kept.
enum Interruption {
    static func stopping<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(CollabError) -> Value
    ) async throws(CollabError) -> Value {
        let task = Task { () -> Result<Value, CollabError> in
            do throws(CollabError) { return .success(try await body()) } catch { return .failure(error) }
        }
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler {
            Terminal.complain("\nStopping; the same command goes on from here.")
            task.cancel()
        }
        source.activate()
        defer {
            source.cancel()
            signal(SIGINT, SIG_DFL)
        }
        return try await task.value.get()
    }
}

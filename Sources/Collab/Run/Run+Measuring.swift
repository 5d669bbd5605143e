/// Work of a model that is no answer: scores and vectors.
extension Run {
    /// What the measurement of the current task has used so far.
    @TaskLocal private static var meter: Protected<Usage>?

    /// Adds to what the current measurement has used.
    ///
    /// Models call it whose work is not an answer and so has no response to report a usage with: those that score
    /// continuations or embed texts. Outside of a run, where nothing is booked, it does nothing.
    public static func spend(_ usage: Usage) {
        meter?.withLock { $0 += usage }
    }

    /// Whether the current task belongs to a run.
    package static var isUnderWay: Bool { context != nil }

    /// Admits, traces and books work of a model that is not an answer: scoring continuations, embedding texts.
    ///
    /// It counts as one call. The closure returns the result and a line of text for the trace; what it used is what the
    /// model reports with ``spend(_:)``, also when it fails half-way.
    package static func measure<Result: Sendable>(
        _ name: String,
        _ request: Request?,
        _ work: () async throws(CollabError) -> (result: Result, summary: String)
    ) async throws(CollabError) -> Result {
        let (run, parent) = (context?.run ?? Run(), context?.node)
        return try await run.withNode(.call, name: name, request: request, parent: parent) {
            (node) async throws(CollabError) -> Result in
            try checkCancellation()
            let admission = try run.admit(maximumTokens: 0)
            let meter = Protected(Usage())
            do throws(CollabError) {
                let outcome = await $meter.withValue(meter) {
                    () async -> Swift.Result<(result: Result, summary: String), CollabError> in
                    do throws(CollabError) { return .success(try await work()) } catch {
                        return .failure(error)
                    }
                }
                let (result, summary) = try outcome.get()
                run.settle(admission, usage: meter.withLock { $0.asOneCall }, node: node, text: summary)
                return result
            } catch {
                run.book(error, admission, node: node, spent: meter.withLock { $0.asOneCall })
                throw error
            }
        }
    }
}

extension Usage {
    /// The same of a measurement, which is one call however many requests it took.
    fileprivate var asOneCall: Usage {
        var usage = self
        usage.unpricedCalls = min(usage.unpricedCalls, 1)
        return usage
    }
}

extension EmbeddingModel {
    /// One vector a text, as ``embed(_:)`` makes them, traced and booked where a run is under way.
    package func vectors(of texts: [String]) async throws(CollabError) -> [[Float]] {
        guard Run.isUnderWay else { return try await embed(texts) }
        return try await Run.measure(name, nil) { () async throws(CollabError) in
            let vectors = try await embed(texts)
            return (vectors, "\(vectors.count) of \(dimension) components")
        }
    }
}

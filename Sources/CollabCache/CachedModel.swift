public import Collab

/// A model whose answers are kept, and given again to whoever asks the same.
///
/// In the trace a hit is a call that is billed as ``Collab/TraceNode/Billing/cached``: it uses neither calls nor tokens
/// nor money of the run's budget, and a note says where the answer came from. Equal calls at the same time ask the model
/// once: whoever comes later reads the same answer as it is written. Cancelling one of them does not disturb the others;
/// an error reaches all of them and is not kept.
public struct CachedModel<Base: TextModel>: Collaboration {
    /// The model that is asked what is not in the cache.
    public let base: Base
    /// Where the answers are.
    public let cache: ResponseCache
    let identity: String

    /// The base's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Answers from the cache, else from the base.
    ///
    /// A stored answer goes to the sink as one piece.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let key = try CacheKey(model: identity, request: request)
        while true {
            try checkCancellation()
            if let stored = try await cache.answer(to: key) {
                return try await hand(stored, request, into: sink)
            }
            let (flight, isNew) = cache.flights.join(key)
            defer { cache.flights.leave(key, flight) }
            if isNew {
                cache.count { $0.misses += 1 }
                start(flight, key, request, sink)
                return try await flight.follow(into: sink)
            }
            let output = CountingSink(sink)
            do throws(CollabError) {
                let response = try await Run.recall(name, request, from: "of an equal call under way") {
                    () async throws(CollabError) -> Response in
                    try await flight.follow(into: output.entrance)
                }
                cache.count { $0.shared += 1 }
                return unpaid(response)
            } catch {
                // What stopped the other's call (its run's budget) need not stop this one.
                let isOthers = error.code == .budgetExhausted || error.code == .cancelled
                guard isOthers, !Task.isCancelled, !output.hasDelivered else { throw error }
            }
        }
    }

    private func start(_ flight: Flight, _ key: CacheKey, _ request: Request, _ sink: ResponseSink) {
        flight.start(isDiscarding: sink.isDiscarding) { [self] (sink) async throws(CollabError) -> Response in
            // Another call may have ended between the look into the cache and the start.
            if let stored = try await cache.answer(to: key) {
                return try await hand(stored, request, into: sink)
            }
            let response = try await base.respond(to: request, into: sink)
            await cache.keep(response, for: key)
            return response
        } finally: { [cache] in
            cache.flights.close(key, flight)
        }
    }

    private func hand(
        _ stored: Response,
        _ request: Request,
        into sink: ResponseSink
    ) async throws(CollabError) -> Response {
        cache.count { $0.hits += 1 }
        return try await Run.recall(
            name,
            request,
            from: "of the cache; it took \(stored.usage.totalTokens) tokens once"
        ) {
            () async throws(CollabError) -> Response in
            await sink.send(stored.text)
            return unpaid(stored)
        }
    }

    /// The answer without what it once took.
    private func unpaid(_ response: Response) -> Response {
        var response = response
        response.usage = Usage()
        return response
    }
}

extension TextModel {
    /// The same model, whose answers are kept in a cache.
    ///
    /// - Parameters:
    ///   - cache: where the answers are kept.
    ///   - identity: what tells this model from others in the cache; `nil`: its name. Give one that changes with whatever
    ///     changes the answers: weights, adapters, the server's version, instructions of a model adapted beneath.
    public func cached(in cache: ResponseCache, as identity: String? = nil) -> CachedModel<Self> {
        CachedModel(base: self, cache: cache, identity: identity ?? name)
    }
}

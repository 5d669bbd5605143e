public import Collab

extension RemoteModel {
    /// The same model, all of whose requests pass the same modifiers: those that answer, and those that count tokens,
    /// score texts or list what is most probable.
    ///
    /// ```swift
    /// let scorer = try model.guarded { $0.circuitBreaking().limited(to: 8).retrying() }.scoring()
    /// ```
    ///
    /// A modifier such as `retrying()` makes a text model of a model, and a text model only answers. Here the modifiers
    /// stand between the model and its server instead, and whatever is made of the model, with `scoring()`, `listingTops()`
    /// or `constrained(to:)`, shares them with their limits, circuits and budgets.
    ///
    /// Attempts that failed are notes of the call in the trace, and what they may have used counts as the call's. Where
    /// each is to have a row of its own in the account, modify the model itself: `model.retrying()`.
    ///
    /// - Parameter modifiers: modifiers that decide whether and when the model they are given is asked. One that answers
    ///   in its place, from a cache or with another model, has no answer to a request for scores: that is an error.
    public func guarded(by modifiers: (any TextModel) -> any TextModel) -> RemoteModel {
        let guardian = modifiers(GuardedRequests(name: name, profile: profile))
        return RemoteModel(self, over: endpoint.guarded(by: guardian))
    }
}

extension RemoteEmbeddingModel {
    /// The same model, all of whose requests pass modifiers; see ``RemoteModel/guarded(by:)``.
    public func guarded(by modifiers: (any TextModel) -> any TextModel) -> RemoteEmbeddingModel {
        let profile = ModelProfile(locality: .remote, price: price)
        return RemoteEmbeddingModel(self, guardian: modifiers(GuardedRequests(name: name, profile: profile)))
    }
}

/// What stands beneath the modifiers of a guarded model: it makes the request that has come through them.
struct GuardedRequests: TextModel {
    let name: String
    let profile: ModelProfile

    /// What is to be done when a request has come through.
    private struct Errand: Sendable {
        let perform: @Sendable (Request, ResponseSink) async throws(CollabError) -> Response
    }

    @TaskLocal private static var errand: Errand?

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        guard let errand = Self.errand else {
            throw CollabError(.unsupported, "\(name) can be asked through the model that it guards only.")
        }
        return try await errand.perform(request, sink)
    }

    /// Has a request answered beneath modifiers.
    ///
    /// The call that this is a part of is one call to its run, whatever happens here. So there is a run of its own beneath
    /// it, and what all attempts have used counts as the answer's.
    static func answer(
        _ request: Request,
        into sink: ResponseSink,
        through guardian: any TextModel,
        by perform: @escaping @Sendable (Request, ResponseSink) async throws(CollabError) -> Response
    ) async throws(CollabError) -> Response {
        let run = Run.aside()
        let outcome: Result<Response, CollabError> = await $errand.withValue(Errand(perform: perform)) {
            do throws(CollabError) {
                return .success(try await guardian.respond(to: request, into: sink, in: run))
            } catch {
                return .failure(error)
            }
        }
        for row in run.trace?.ledger ?? [] where row.failure != nil {
            let isBilled = row.billing == .possiblyBilled
            Run.note("attempt failed", "\(row.failure ?? "")\(isBilled ? ", possibly billed" : "")")
        }
        var response = try outcome.get()
        response.usage = run.usage
        response.trace = nil
        return response
    }

    /// Has a request that is no question made beneath modifiers.
    ///
    /// - Parameter body: the request's body, whose length tells modifiers how large it is.
    static func send<Answer: Sendable>(
        body: [UInt8]?,
        through guardian: any TextModel,
        by perform: @escaping @Sendable () async throws(CollabError) -> Answer
    ) async throws(CollabError) -> Answer {
        let answer = Protected<Answer?>(nil)
        // No request is without a text.
        let question = Request.completion(
            String(decoding: body ?? [0x20], as: UTF8.self),
            options: GenerationOptions(maximumTokens: 1)
        )
        _ = try await self.answer(question, into: .discarding, through: guardian) {
            (_, _) async throws(CollabError) -> Response in
            let result = try await perform()
            answer.withLock { $0 = result }
            // What it took is booked by whoever asked.
            return Response(text: "", model: guardian.name)
        }
        if let answer = answer.withLock({ $0 }) { return answer }
        throw CollabError(
            .unsupported,
            "A modifier of \(guardian.name) answered in its server's place, which is no answer to a request for tokens, "
                + "scores or vectors. Guard it with retries, limits and circuits only."
        )
    }
}

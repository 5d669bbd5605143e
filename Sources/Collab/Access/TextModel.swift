/// Anything that answers a request with text: one model, or a whole collaboration of models.
///
/// Conforming types implement ``generate(_:into:)``. Callers use ``respond(to:in:)-(Request,_)`` or
/// ``stream(_:in:)-(Request,_)``, which add what every call of a run has: a budget, a trace, events, a seed.
public protocol TextModel: Sendable {
    /// What to call the model in traces, errors and prompts.
    var name: String { get }
    /// What is known about the model beside its answers; by default nothing is.
    var profile: ModelProfile { get }
    /// Writes an answer, handing its text to the sink piece by piece as it is written.
    ///
    /// The pieces sent to the sink, joined, are exactly the text of the response that is returned. Cancellation of
    /// the surrounding task ends the writing within one token or one network read with ``CollabError/Code/cancelled``.
    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response
}

/// A text model that is made of others.
///
/// A run traces a collaboration as a branch and admits the calls of its members one by one; a model that is not a
/// collaboration counts as one call.
public protocol Collaboration: TextModel {}

extension TextModel {
    /// Answers a request.
    ///
    /// - Parameters:
    ///   - request: what is asked, and how the answer is to be written.
    ///   - run: the run that the call belongs to; without one it joins the current run, or starts its own.
    public func respond(to request: Request, in run: Run? = nil) async throws(CollabError) -> Response {
        try await Run.call(self, request, sink: .discarding, run: run)
    }

    /// Answers a question.
    public func respond(to question: String, in run: Run? = nil) async throws(CollabError) -> Response {
        try await respond(to: Request(question), in: run)
    }

    /// Answers a request and hands on the text as it is written.
    public func respond(
        to request: Request,
        into sink: ResponseSink,
        in run: Run? = nil
    ) async throws(CollabError) -> Response {
        try await Run.call(self, request, sink: sink, run: run)
    }

    /// Answers a request as a stream of text, events and, last, the whole response.
    ///
    /// Nothing happens before the stream is iterated; leaving the iteration cancels the work.
    public func stream(_ request: Request, in run: Run? = nil) -> ResponseStream {
        ResponseStream(model: self, request: request, run: run)
    }

    /// Answers a question as a stream.
    public func stream(_ question: String, in run: Run? = nil) -> ResponseStream {
        stream(Request(question), in: run)
    }
}

import Collab

extension BackendConformance {
    /// A call of a task that has been cancelled already writes nothing.
    public func cancellationBeforeTheCall() async -> [Violation] {
        let promise = "a cancelled task gets no answer"
        let gate = Gate()
        let task = Task { [self] in
            await gate.wait()
            return await outcome(of: request, ResponseSink { _ in })
        }
        task.cancel()
        gate.open()
        return check(await task.value, promise)
    }

    /// Cancelling while the answer is being written ends the call promptly.
    public func cancellationWhileWriting() async -> [Violation] {
        let promise = "cancelling ends the writing promptly"
        let gate = Gate()
        var long = Request(question, options: GenerationOptions(maximumTokens: 256))
        long.options.stopSequences = []
        let asked = long
        // The first piece holds the writer until the task has been cancelled.
        let task = Task { [self] in
            await outcome(of: asked, ResponseSink { _ in await gate.wait() })
        }
        await gate.waitForWaiter(orUntilFinished: task)
        task.cancel()
        gate.open()
        let begin = ContinuousClock.now
        let result = await task.value
        let took = ContinuousClock.now - begin
        if took > patience {
            return [Violation(promise: promise, observation: "it took \(took)")]
        }
        return check(result, promise)
    }

    private func outcome(of request: Request, _ sink: ResponseSink) async -> Result<Response, CollabError> {
        do throws(CollabError) {
            return .success(try await model.respond(to: request, into: sink))
        } catch {
            return .failure(error)
        }
    }

    private func check(_ outcome: Result<Response, CollabError>, _ promise: String) -> [Violation] {
        switch outcome {
        case .success: [Violation(promise: promise, observation: "the call ended with an answer")]
        case .failure(let error) where error.code == .cancelled: []
        case .failure(let error):
            [Violation(promise: promise, observation: "the call ended with \(error.code)")]
        }
    }
}

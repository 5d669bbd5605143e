/// Gives a model only so much time for an answer.
public struct TimedModel<Base: TextModel>: TextModel {
    /// The model beneath.
    public let base: Base
    /// The time for a whole answer.
    public let limit: Duration

    /// The base's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Answers as the base does; cancels it and throws ``CollabError/Code/timeout`` when the time is up.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        typealias Outcome = Result<Response, CollabError>
        let (base, limit) = (base, limit)
        let outcome = await withTaskGroup(of: Outcome?.self) { group -> Outcome in
            group.addTask {
                do throws(CollabError) { return .success(try await base.generate(request, into: sink)) } catch
                {
                    return .failure(error)
                }
            }
            group.addTask {
                // A cancelled sleep decides nothing: either the answer is there, or the caller has left.
                do throws(CollabError) { try await Run.sleep(for: limit) } catch { return nil }
                return .failure(
                    CollabError(
                        .timeout,
                        "\(base.name) did not answer within \(limit); allow more time, or fall back."
                    )
                )
            }
            var decided: Outcome?
            while let next = await group.next() {
                switch (decided, next) {
                case (nil, let next?): decided = next
                // What the cancelled call knows of its fate is the cause.
                case (.failure(var timeout), .failure(let cause)) where timeout.code == .timeout:
                    timeout.cause = timeout.cause ?? cause
                    decided = .failure(timeout)
                default: break
                }
                if decided != nil { group.cancelAll() }
            }
            return decided ?? .failure(.cancelled)
        }
        return try outcome.get()
    }
}

extension TimedModel: Collaboration where Base: Collaboration {}

extension TextModel {
    /// The same model, which has only so much time for an answer, on the run's clock.
    public func timeout(_ limit: Duration) -> TimedModel<Self> {
        TimedModel(base: self, limit: limit)
    }
}

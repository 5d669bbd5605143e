/// Makes a call again if it fails in a way that often passes by itself.
///
/// Every attempt is a call of its own in trace, ledger and budget. Nothing is tried again once a part of the answer has
/// been handed out (unless the rule says so), if the wait would go past the run's deadline, or if the budget for
/// retries is used up, which all copies of the model share.
public struct RetryingModel<Base: TextModel>: Collaboration {
    /// The model beneath.
    public let base: Base
    /// How a failed call is tried again.
    public let retry: Retry
    /// How many retries there may be beside the ordinary calls.
    public let budget: RetryBudget

    /// The base's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Asks the base until it answers or the attempts are used up.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        guard retry.attempts >= 1 else {
            throw CollabError(
                .invalidRequest,
                "\(retry.attempts) attempts are not enough for \(name); allow 1 at least."
            )
        }
        let output = CountingSink(sink)
        // Runs of the same seed must not wait in step, so the number of the call counts as well.
        let seed = (Run.current?.drawSeed("retry of \(name)") ?? 0) ^ SeededGenerator.mix(budget.deposit())
        var generator = SeededGenerator(seed: seed)
        var (attempt, lost, broken) = (1, 0, 0)
        while true {
            let continuation = Continuation(beginning: output.delivered)
            do throws(CollabError) {
                let asked = continuation.request(for: request)
                return continuation.whole(try await base.respond(to: asked, into: output.entrance))
            } catch {
                let traits = error.traits
                if traits.hasBegun { broken += 1 } else if traits.isPossiblyBilled { lost += 1 }
                let draw = generator.nextUnit()
                attempt += 1
                let wait = retry.wait(before: attempt, after: traits, draw: draw)
                guard let objection = objection(to: attempt, lost, broken, error, output, wait) else {
                    Run.note("attempt \(attempt)", "after \(wait), because of \(error.code)")
                    if output.hasDelivered {
                        Run.note("resumed", "after \(output.delivered.count) characters")
                    }
                    try await Run.sleep(for: wait)
                    continue
                }
                throw final(error, attempts: attempt - 1, objection)
            }
        }
    }

    /// Why there is to be no further attempt: a sentence, or an empty one if that goes without saying; `nil` if there
    /// is to be one.
    private func objection(
        to attempt: Int,
        _ lost: Int,
        _ broken: Int,
        _ error: CollabError,
        _ output: CountingSink,
        _ wait: Duration
    ) -> String? {
        guard retry.codes.contains(error.code), error.isSurvivable,
            error.callFailure?.traits.isRetryable ?? true
        else { return "" }
        if output.hasDelivered, retry.afterOutput == .fail { return "" }
        if attempt > retry.attempts { return "" }
        if lost > retry.possiblyBilled || broken > retry.brokenOff, !output.hasDelivered {
            let every = lost + broken > 1 ? " every time" : ""
            return
                "It was not tried again, since it may have been charged for\(every); see Retry.possiblyBilled."
        }
        if let asked = error.traits.retryAfter, asked > retry.maximumServerDelay {
            return "It was not tried again: the wait of \(asked) that is asked for is too long."
        }
        if let run = Run.current, let deadline = run.deadline, run.elapsed + wait >= deadline {
            return
                "It was not tried again: a wait of \(wait.inMilliseconds) does not fit into the run's time."
        }
        if !budget.withdraw(at: Run.now) {
            return "It was not tried again, since the retries are a large share of the calls already."
        }
        return nil
    }

    private func final(_ error: CollabError, attempts: Int, _ objection: String) -> CollabError {
        var error = attempts == 1 ? error : error.within("attempt \(attempts)")
        if !objection.isEmpty {
            error.message += " " + objection
            Run.note("no further attempt", objection)
        }
        return error
    }
}

extension TextModel {
    /// The same model, whose failed calls are made again.
    ///
    /// - Parameters:
    ///   - retry: how often, when, and after which failures.
    ///   - budget: how many retries there may be beside the ordinary calls. Give several models the same one if they
    ///     share a server.
    public func retrying(_ retry: Retry = Retry(), budget: RetryBudget = RetryBudget()) -> RetryingModel<Self>
    {
        RetryingModel(base: self, retry: retry, budget: budget)
    }
}

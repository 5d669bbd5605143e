/// How a failed call is tried again.
public struct Retry: Sendable {
    /// How many times a call is made at most.
    public var attempts: Int
    /// The longest wait before the second attempt; every further one doubles it.
    public var delay: Duration
    /// The longest wait of all.
    public var maximumDelay: Duration
    /// Which failures are worth another attempt.
    public var codes: Set<CollabError.Code>

    /// Makes a rule.
    ///
    /// Before each further attempt the model waits for a random share (drawn from the run's seed) of the delay.
    public init(
        attempts: Int = 3,
        delay: Duration = .milliseconds(500),
        maximumDelay: Duration = .seconds(30),
        codes: Set<CollabError.Code> = Retry.transient
    ) {
        self.attempts = attempts
        self.delay = delay
        self.maximumDelay = maximumDelay
        self.codes = codes
    }

    /// Failures that often pass by themselves.
    public static let transient: Set<CollabError.Code> = [
        .transport, .timeout, .rateLimited, .serverError, .truncatedResponse, .malformedResponse,
    ]

    /// At most so many attempts, with the usual waits.
    public static func attempts(_ count: Int) -> Retry { Retry(attempts: count) }

    /// The wait before an attempt (the second has number 2), given a number drawn evenly from [0, 1).
    func wait(before attempt: Int, draw: Double) -> Duration {
        var longest = min(delay, maximumDelay)
        for _ in 2..<max(attempt, 2) where longest < maximumDelay { longest = min(longest * 2, maximumDelay) }
        return longest * draw
    }
}

/// Makes a call again if it fails in a way that often passes by itself.
///
/// Every attempt is a call of its own in trace and budget. Nothing is tried again once a part of the answer has been
/// written, or if the wait would go past the run's deadline.
public struct RetryingModel<Base: TextModel>: Collaboration {
    /// The model beneath.
    public let base: Base
    /// How a failed call is tried again.
    public let retry: Retry

    /// The base's name.
    public var name: String { base.name }

    /// Asks the base until it answers or the attempts are used up.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        guard retry.attempts >= 1 else {
            throw CollabError(
                .invalidRequest,
                "\(retry.attempts) attempts are not enough for \(name); allow 1 at least."
            )
        }
        let output = CountingSink(sink)
        var generator = SeededGenerator(seed: Run.current?.drawSeed("retry of \(name)") ?? 0)
        var attempt = 1
        while true {
            do throws(CollabError) {
                return try await base.respond(to: request, into: output.entrance)
            } catch {
                guard retry.codes.contains(error.code), error.isSurvivable, output.isEmpty,
                    attempt < retry.attempts
                else { throw attempt == 1 ? error : error.within("attempt \(attempt)") }
                attempt += 1
                let wait = retry.wait(before: attempt, draw: generator.nextUnit())
                if let run = Run.current, let deadline = run.deadline, run.elapsed + wait >= deadline {
                    throw error
                }
                Run.note("attempt \(attempt)", "after \(wait), because of \(error.code)")
                try await Run.sleep(for: wait)
            }
        }
    }
}

extension TextModel {
    /// The same model, whose failed calls are made again.
    public func retrying(_ retry: Retry = Retry()) -> RetryingModel<Self> {
        RetryingModel(base: self, retry: retry)
    }
}

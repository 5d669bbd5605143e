/// Lets calls through at the pace of a limit; runs take turns, and within a run it is first come, first served.
///
/// Only the first in line sleeps, until exactly the moment at which there is enough for it; the others wait behind it
/// without a timer. Whoever is cancelled leaves the line and has used nothing.
final class RateLimiter: Sendable {
    private struct State: Sendable {
        var requests: RateBucket?
        var tokens: RateBucket?
        var pausedUntil: Duration?
        /// What the server says is left.
        var toldRequests: ToldQuota?
        var toldTokens: ToldQuota?
        /// The calls on their way of which the server has said nothing yet, and their tokens as estimated.
        var unheardCalls = 0
        var unheardTokens = 0.0
        /// A running mean of how many tokens answers have.
        var usualAnswer = 256.0

        mutating func forget(_ tokens: Double) {
            unheardCalls -= 1
            unheardTokens = unheardCalls == 0 ? 0 : unheardTokens - tokens
        }
    }

    let limit: RateLimit
    private let turnstile = ConcurrencyLimiter(limit: 1)
    private let state: Protected<State>

    init(_ limit: RateLimit) {
        self.limit = limit
        let fine = limit.objection == nil
        state = Protected(
            State(
                requests: fine
                    ? limit.requestsPerMinute.map { RateBucket(perMinute: $0, burst: limit.burst) } : nil,
                tokens: fine
                    ? limit.tokensPerMinute.map { RateBucket(perMinute: $0, burst: limit.burst) } : nil
            )
        )
    }

    /// How many calls wait behind the one that is next.
    var waiting: Int { turnstile.occupancy.waiting }

    /// About how many tokens a request will take: a token is four bytes of the prompt, and the answer as long as it
    /// may be, or as long as answers were.
    func estimate(_ request: Request) -> Double {
        let bytes = request.messages.reduce(0) { $0 + $1.text.utf8.count }
        let answer = request.options.maximumTokens.map(Double.init) ?? state.withLock { $0.usualAnswer }
        return (Double(bytes) / 4).rounded(.up) + answer
    }

    /// Waits for its turn, and takes a request and so many tokens.
    func pass(_ tokens: Double, name: String) async throws(CollabError) {
        try await turnstile.acquire()
        defer { turnstile.release() }
        while true {
            // Who has been cancelled by now must not take anything.
            try checkCancellation()
            let now = Run.now
            let wait = state.withLock { state -> Duration in
                let wait = max(
                    state.requests?.wait(for: 1, at: now) ?? .zero,
                    state.tokens?.wait(for: tokens, at: now) ?? .zero,
                    state.toldRequests?.wait(for: 1, at: now) ?? .zero,
                    state.toldTokens?.wait(for: tokens, at: now) ?? .zero,
                    (state.pausedUntil ?? now) - now
                )
                if wait <= .zero {
                    state.requests?.take(1)
                    state.tokens?.take(tokens)
                    state.toldRequests?.take(1)
                    state.toldTokens?.take(tokens)
                    state.unheardCalls += 1
                    state.unheardTokens += tokens
                }
                return wait
            }
            if wait <= .zero { return }
            if let run = Run.current, let deadline = run.deadline, run.elapsed + wait >= deadline {
                throw CollabError(
                    .rateLimited,
                    "\(name) may be asked again in \(wait.inMilliseconds), which is after the run's deadline.",
                    cause: OwnRateLimit(wait: wait)
                )
            }
            try await Run.sleep(for: wait)
        }
    }

    /// Takes the server's word for what is left.
    ///
    /// - Parameter tokens: the estimate of a call of which nothing was heard before; `nil` for what is heard again.
    func hear(_ allowance: RateAllowance, first tokens: Double?) {
        let now = Run.now
        state.withLock { state in
            if let tokens { state.forget(tokens) }
            guard limit.followsServer else { return }
            if let quota = allowance.requests {
                state.toldRequests = ToldQuota(quota, unheard: Double(state.unheardCalls), at: now)
            }
            if let quota = allowance.tokens {
                state.toldTokens = ToldQuota(quota, unheard: state.unheardTokens, at: now)
            }
        }
    }

    /// Stops expecting to hear of a call.
    func giveUpHearing(_ tokens: Double) {
        state.withLock { $0.forget(tokens) }
    }

    /// Corrects the estimate once the tokens are known.
    func settle(estimate: Double, usage: Usage) {
        state.withLock { state in
            state.tokens?.giveBack(estimate - Double(usage.totalTokens))
            state.usualAnswer += (Double(usage.completionTokens) - state.usualAnswer) / 8
        }
    }

    /// Gives back what a failed call did not use, and pauses if the server says so.
    func settle(estimate: Double, failure: FailureTraits) {
        let now = Run.now
        state.withLock { state in
            state.tokens?.giveBack(estimate - Double(failure.usage.totalTokens))
            if let wait = failure.rest {
                state.pausedUntil = max(state.pausedUntil ?? .zero, now + wait)
            }
        }
    }
}

/// A call that was held back here and never sent.
struct OwnRateLimit: CallFailure, CustomStringConvertible {
    let wait: Duration

    var traits: FailureTraits {
        FailureTraits(isRetryable: true, isThrottling: true, retryAfter: wait)
    }
    var description: String { "held back, not sent" }
}

/// How a failed call is tried again.
public struct Retry: Sendable {
    /// How many times a call is made at most.
    public var attempts: Int
    /// The longest wait before the second attempt; every further one doubles it.
    public var delay: Duration
    /// The longest wait before the second attempt if the model asks for fewer calls without saying when.
    public var throttledDelay: Duration
    /// The longest wait that is chosen here.
    public var maximumDelay: Duration
    /// The longest wait that a server may ask for; if it asks for more, the call fails now.
    public var maximumServerDelay: Duration
    /// Which failures are worth another attempt; what the failure itself says is heard as well.
    public var codes: Set<CollabError.Code>
    /// How many attempts may follow ones whose answer was lost before it began: they may have been worked on and charged
    /// for, or not; no server can be asked.
    public var possiblyBilled: Int
    /// How many attempts may follow ones whose answer broke off after it had begun, and that are charged for as good as
    /// surely. Going on after a part that was handed out is not counted, since nothing is paid for twice then.
    public var brokenOff: Int
    /// What happens if a part of the answer has been handed out.
    public var afterOutput: AfterOutput

    /// Makes a rule.
    ///
    /// Before each further attempt the model waits for a random share (drawn from the run's seed) of the delay, which
    /// doubles from attempt to attempt ("full jitter"); a wait that the server asks for is kept, and a tenth at most
    /// is added so that not everybody comes back at once.
    public init(
        attempts: Int = 3,
        delay: Duration = .milliseconds(500),
        throttledDelay: Duration = .seconds(1),
        maximumDelay: Duration = .seconds(20),
        maximumServerDelay: Duration = .seconds(120),
        codes: Set<CollabError.Code> = Retry.transient,
        possiblyBilled: Int = 1,
        brokenOff: Int = 0,
        afterOutput: AfterOutput = .fail
    ) {
        self.attempts = attempts
        self.delay = delay
        self.throttledDelay = throttledDelay
        self.maximumDelay = maximumDelay
        self.maximumServerDelay = maximumServerDelay
        self.codes = codes
        self.possiblyBilled = possiblyBilled
        self.brokenOff = brokenOff
        self.afterOutput = afterOutput
    }

    /// Failures that often pass by themselves.
    public static let transient: Set<CollabError.Code> = [
        .transport, .timeout, .rateLimited, .serverError, .truncatedResponse, .malformedResponse,
        .circuitOpen, .replicasDown,
    ]

    /// At most so many attempts, with the usual waits.
    public static func attempts(_ count: Int) -> Retry { Retry(attempts: count) }

    /// The wait before an attempt (the second has number 2), given a number drawn evenly from [0, 1).
    func wait(before attempt: Int, after traits: FailureTraits, draw: Double) -> Duration {
        if let asked = traits.retryAfter { return asked * (1 + draw / 10) }
        // A server that asks for fewer calls is given more time; a rule without waits has none.
        let first = traits.isThrottling && delay > .zero ? max(delay, throttledDelay) : delay
        var longest = min(max(first, .zero), maximumDelay)
        for _ in 2..<max(attempt, 2) where longest < maximumDelay { longest = min(longest * 2, maximumDelay) }
        return longest * draw
    }
}

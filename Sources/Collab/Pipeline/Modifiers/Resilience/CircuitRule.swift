/// When a circuit opens, and when it is tried again.
public struct CircuitRule: Hashable, Sendable {
    /// The share of failed calls at which the circuit opens.
    public var failureRate: Double
    /// How many calls there must be within the window before the share counts.
    public var minimumCalls: Int
    /// How long a call counts.
    public var window: Duration
    /// So many failures in a row open the circuit whatever the share.
    public var failuresInARow: Int
    /// How long the circuit stays open the first time; every further time twice as long.
    public var cooldown: Duration
    /// The longest time that it stays open.
    public var maximumCooldown: Duration

    /// Makes a rule.
    public init(
        failureRate: Double = 0.5,
        minimumCalls: Int = 10,
        window: Duration = .seconds(30),
        failuresInARow: Int = 5,
        cooldown: Duration = .seconds(5),
        maximumCooldown: Duration = .seconds(60)
    ) {
        self.failureRate = failureRate
        self.minimumCalls = minimumCalls
        self.window = window
        self.failuresInARow = failuresInARow
        self.cooldown = cooldown
        self.maximumCooldown = maximumCooldown
    }

    /// The cool-down of the `count`-th opening in a row (from 1).
    func cooldown(ofOpening count: Int) -> Duration {
        var time = min(cooldown, maximumCooldown)
        for _ in 1..<max(count, 1) where time < maximumCooldown { time = min(time * 2, maximumCooldown) }
        return time
    }
}

/// What a circuit lets through.
public enum CircuitState: Hashable, Sendable {
    /// Every call.
    case closed
    /// No call for so long.
    case open(Duration)
    /// One call, which decides whether it closes again.
    case halfOpen
}

/// What a run may consume at most. A limit that is `nil` does not exist.
///
/// A call is admitted before it is made: it is refused with ``CollabError/Code/budgetExhausted`` if a limit has been
/// reached, and its answer is capped at the tokens that are left. Prompts are counted when their call ends, since only the
/// model can count them; and calls side by side that have no limit of their own may together exceed the tokens. Give
/// requests a ``GenerationOptions/maximumTokens`` where the bound is to be hard.
public struct Budget: Hashable, Sendable, Codable {
    /// Calls to models.
    public var calls: Int?
    /// Tokens read and written, over all calls.
    public var tokens: Int?
    /// Money, over all calls whose price is known.
    public var cost: Money?
    /// Whether a model that costs an unknown amount may be called although money is limited; its calls then escape the
    /// limit, and ``Usage/unpricedCalls`` counts them. Otherwise such a call is refused before it is made.
    public var allowsUnpricedCalls: Bool
    /// Time since the run began.
    public var duration: Duration?

    /// Makes a budget.
    public init(
        calls: Int? = nil,
        tokens: Int? = nil,
        cost: Money? = nil,
        duration: Duration? = nil,
        allowsUnpricedCalls: Bool = false
    ) {
        self.calls = calls
        self.tokens = tokens
        self.cost = cost
        self.duration = duration
        self.allowsUnpricedCalls = allowsUnpricedCalls
    }

    /// No limits.
    public static let unlimited = Budget()
    /// At most so many calls.
    public static func calls(_ limit: Int) -> Budget { Budget(calls: limit) }
    /// At most so many tokens.
    public static func tokens(_ limit: Int) -> Budget { Budget(tokens: limit) }
    /// At most so much money.
    public static func cost(_ limit: Money) -> Budget { Budget(cost: limit) }
    /// At most so much time.
    public static func duration(_ limit: Duration) -> Budget { Budget(duration: limit) }
}

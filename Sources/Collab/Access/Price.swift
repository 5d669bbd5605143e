/// What a model's tokens cost, in whole units a million tokens.
public struct Price: Hashable, Sendable, Codable {
    /// A million tokens read.
    public var promptPerMillion: Double
    /// A million tokens read from the cache; `nil`: as uncached ones.
    public var cachedPerMillion: Double?
    /// A million tokens written to the cache; `nil`: as uncached ones.
    public var cacheWritePerMillion: Double?
    /// A million tokens written.
    public var completionPerMillion: Double
    /// A million tokens of thinking; `nil`: as other written ones.
    public var reasoningPerMillion: Double?

    /// Makes a price.
    public init(
        promptPerMillion: Double,
        cachedPerMillion: Double? = nil,
        cacheWritePerMillion: Double? = nil,
        completionPerMillion: Double,
        reasoningPerMillion: Double? = nil
    ) {
        self.promptPerMillion = promptPerMillion
        self.cachedPerMillion = cachedPerMillion
        self.cacheWritePerMillion = cacheWritePerMillion
        self.completionPerMillion = completionPerMillion
        self.reasoningPerMillion = reasoningPerMillion
    }

    /// Nothing: a model of your own, whose electricity is not counted.
    public static let free = Price(promptPerMillion: 0, completionPerMillion: 0)

    /// What a usage costs.
    ///
    /// Each rate is first rounded to a billionth of the unit; from there on everything is counted in whole numbers and
    /// rounded once, to the nearest billionth, so that sums over many calls do not drift.
    public func cost(of usage: Usage) -> Money {
        let cached = min(max(0, usage.cachedTokens), max(0, usage.promptTokens))
        let written = min(max(0, usage.cacheWriteTokens), max(0, usage.promptTokens) - cached)
        let fresh = max(0, usage.promptTokens) - cached - written
        let reasoning = min(max(0, usage.reasoningTokens), max(0, usage.completionTokens))
        let spoken = max(0, usage.completionTokens) - reasoning
        let parts: [(Int, Double)] = [
            (fresh, promptPerMillion), (cached, cachedPerMillion ?? promptPerMillion),
            (written, cacheWritePerMillion ?? promptPerMillion), (spoken, completionPerMillion),
            (reasoning, reasoningPerMillion ?? completionPerMillion),
        ]
        var total: Int64 = 0
        for (tokens, rate) in parts {
            let product = Int64(clamping: tokens).multipliedReportingOverflow(by: Money(rate).billionths)
            let sum = total.addingReportingOverflow(product.partialValue)
            if product.overflow || sum.overflow { return Money(billionths: .max) }
            total = sum.partialValue
        }
        let (quotient, remainder) = total.quotientAndRemainder(dividingBy: 1_000_000)
        return Money(billionths: quotient + (remainder >= 500_000 ? 1 : 0))
    }

    /// Throws ``CollabError/Code/invalidRequest`` if a rate is negative or no number.
    public func validate() throws(CollabError) {
        let rates = [
            promptPerMillion, cachedPerMillion, cacheWritePerMillion, completionPerMillion,
            reasoningPerMillion,
        ]
        for rate in rates.compactMap(\.self) where !(rate >= 0 && rate < 1e9) {
            throw CollabError(
                .invalidRequest,
                "A price of \(rate) a million tokens is none; it must be 0 or more and below 1,000,000,000."
            )
        }
    }
}

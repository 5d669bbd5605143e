/// What a call or a whole run consumed.
public struct Usage: Hashable, Sendable {
    /// Tokens read, including the cached ones.
    public var promptTokens: Int
    /// Tokens of the prompt that came from a cache.
    public var cachedTokens: Int
    /// Tokens of the prompt that were written to a cache, where the server counts them.
    public var cacheWriteTokens: Int
    /// Tokens written, including those of thinking.
    public var completionTokens: Int
    /// Those of the written tokens that the model thought with, where the server counts them.
    public var reasoningTokens: Int
    /// Calls to models.
    public var calls: Int
    /// Money, for the calls whose price is known: all of it if ``unpricedCalls`` is 0, else the least it can be.
    public var cost: Money
    /// Those of the calls that may cost something nobody has told.
    public var unpricedCalls: Int

    /// Makes a usage.
    public init(
        promptTokens: Int = 0,
        cachedTokens: Int = 0,
        cacheWriteTokens: Int = 0,
        completionTokens: Int = 0,
        reasoningTokens: Int = 0,
        calls: Int = 0,
        cost: Money = .zero,
        unpricedCalls: Int = 0
    ) {
        self.promptTokens = promptTokens
        self.cachedTokens = cachedTokens
        self.cacheWriteTokens = cacheWriteTokens
        self.completionTokens = completionTokens
        self.reasoningTokens = reasoningTokens
        self.calls = calls
        self.cost = cost
        self.unpricedCalls = unpricedCalls
    }

    /// Tokens read and written.
    public var totalTokens: Int { promptTokens + completionTokens }

    /// The sum of two usages.
    public static func + (left: Usage, right: Usage) -> Usage {
        Usage(
            promptTokens: left.promptTokens + right.promptTokens,
            cachedTokens: left.cachedTokens + right.cachedTokens,
            cacheWriteTokens: left.cacheWriteTokens + right.cacheWriteTokens,
            completionTokens: left.completionTokens + right.completionTokens,
            reasoningTokens: left.reasoningTokens + right.reasoningTokens,
            calls: left.calls + right.calls,
            cost: left.cost + right.cost,
            unpricedCalls: left.unpricedCalls + right.unpricedCalls
        )
    }

    /// Adds a usage.
    public static func += (left: inout Usage, right: Usage) { left = left + right }
}

extension Usage: Codable {
    private enum CodingKeys: String, CodingKey {
        case promptTokens, cachedTokens, cacheWriteTokens, completionTokens, reasoningTokens, calls, cost
        case unpricedCalls
    }

    /// Reads a usage.
    public init(from decoder: any Swift.Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            promptTokens: try values.decode(Int.self, forKey: .promptTokens),
            cachedTokens: try values.decode(Int.self, forKey: .cachedTokens),
            cacheWriteTokens: try values.decodeIfPresent(Int.self, forKey: .cacheWriteTokens) ?? 0,
            completionTokens: try values.decode(Int.self, forKey: .completionTokens),
            reasoningTokens: try values.decodeIfPresent(Int.self, forKey: .reasoningTokens) ?? 0,
            calls: try values.decode(Int.self, forKey: .calls),
            cost: try values.decode(Money.self, forKey: .cost),
            unpricedCalls: try values.decodeIfPresent(Int.self, forKey: .unpricedCalls) ?? 0
        )
    }

    /// Writes a usage; counts that few servers tell are left out where they are 0.
    public func encode(to encoder: any Swift.Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(promptTokens, forKey: .promptTokens)
        try values.encode(cachedTokens, forKey: .cachedTokens)
        if cacheWriteTokens != 0 { try values.encode(cacheWriteTokens, forKey: .cacheWriteTokens) }
        try values.encode(completionTokens, forKey: .completionTokens)
        if reasoningTokens != 0 { try values.encode(reasoningTokens, forKey: .reasoningTokens) }
        try values.encode(calls, forKey: .calls)
        try values.encode(cost, forKey: .cost)
        if unpricedCalls != 0 { try values.encode(unpricedCalls, forKey: .unpricedCalls) }
    }
}

/// An amount of money in billionths of the unit that the prices are given in (usually US dollars).
public struct Money: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// Billionths of the unit.
    public var billionths: Int64

    /// Makes an amount from billionths.
    public init(billionths: Int64) { self.billionths = billionths }
    /// Makes an amount from whole units, rounded to the nearest billionth.
    ///
    /// Amounts beyond nine billion units become the largest there is; what is no number becomes nothing.
    public init(_ units: Double) {
        let billionths = (units * 1e9).rounded()
        self.billionths =
            Int64(exactly: billionths) ?? (billionths.isNaN ? 0 : billionths < 0 ? -.max : .max)
    }

    /// Nothing.
    public static let zero = Money(billionths: 0)
    /// The amount in whole units.
    public var units: Double { Double(billionths) / 1e9 }
    /// The amount with six decimals.
    public var description: String {
        let micro = (billionths.magnitude + 500) / 1000
        let fraction = String(micro % 1_000_000)
        let padded = String(repeating: "0", count: 6 - fraction.count) + fraction
        return "\(billionths < 0 ? "-" : "")\(micro / 1_000_000).\(padded)"
    }

    /// The sum of two amounts.
    public static func + (left: Money, right: Money) -> Money {
        let (sum, overflow) = left.billionths.addingReportingOverflow(right.billionths)
        return Money(billionths: overflow ? (left.billionths < 0 ? -.max : .max) : sum)
    }
    /// Which amount is smaller.
    public static func < (left: Money, right: Money) -> Bool { left.billionths < right.billionths }
}

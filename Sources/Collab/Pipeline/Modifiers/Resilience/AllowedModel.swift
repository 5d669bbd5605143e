/// What one model may be used for within a period, over all runs.
public struct Allowance: Hashable, Sendable {
    /// Calls.
    public var calls: Int?
    /// Tokens read and written.
    public var tokens: Int?
    /// Money, of a model whose price is known.
    public var cost: Money?
    /// How long the period is. It begins with the first call, and anew with the first call after its end.
    public var period: Duration

    /// Makes an allowance.
    public init(calls: Int? = nil, tokens: Int? = nil, cost: Money? = nil, per period: Duration) {
        self.calls = calls
        self.tokens = tokens
        self.cost = cost
        self.period = period
    }
}

/// What has been used of an allowance: without clock, lock or model.
struct AllowanceMachine: Sendable {
    let allowance: Allowance
    private(set) var used = Usage()
    private var underWay = 0
    private var began: Duration?

    init(_ allowance: Allowance) { self.allowance = allowance }

    /// Admits a call, or says what is used up and how long until the next period.
    mutating func admit(at now: Duration) -> (what: String, wait: Duration)? {
        if let start = began, now - start >= allowance.period {
            began = nil
            used = Usage()
        }
        let wait = began.map { max($0 + allowance.period - now, .zero) } ?? .zero
        if let limit = allowance.calls, used.calls + underWay >= limit { return ("\(limit) calls", wait) }
        if let limit = allowance.tokens, used.totalTokens >= limit { return ("\(limit) tokens", wait) }
        if let limit = allowance.cost, used.cost >= limit { return ("money (\(limit))", wait) }
        began = began ?? now
        underWay += 1
        return nil
    }

    /// Books what a call used; one that began in an earlier period counts for the present one, when it is paid.
    mutating func settle(_ usage: Usage) {
        underWay -= 1
        used += usage
        used.calls += usage.calls == 0 ? 1 : 0
    }
}

/// A model that may be used for so much within a period; then it asks to be left alone until the next.
///
/// As a member of ``Replicas`` it rests and the others are asked; behind a ``FallbackModel`` the next one answers;
/// `retrying()` waits if the period ends soon. Calls side by side may together use a little more tokens or money than
/// there are, since what a call uses is known when it ends.
public struct AllowedModel<Base: TextModel>: TextModel {
    /// The model beneath.
    public let base: Base
    private let machine: Protected<AllowanceMachine>

    init(base: Base, allowance: Allowance) {
        self.base = base
        machine = Protected(AllowanceMachine(allowance))
    }

    /// The base's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }
    /// What has been used in the present period.
    public var used: Usage { machine.withLock { $0.used } }

    /// Answers as the base does.
    ///
    /// Throws ``CollabError/Code/rateLimited`` with the time until the next period if the allowance is used up.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let now = Run.now
        if let (what, wait) = machine.withLock({ $0.admit(at: now) }) {
            throw CollabError(
                .rateLimited,
                "\(name) has used up its \(what) for now and was not asked; the next period begins in \(wait.inMilliseconds).",
                cause: UsedAllowance(wait: wait)
            )
        }
        do throws(CollabError) {
            let response = try await base.generate(request, into: sink)
            machine.withLock { $0.settle(response.usage) }
            return response
        } catch {
            let used = error.traits.isPossiblyBilled ? error.traits.usage : Usage()
            machine.withLock { $0.settle(used) }
            throw error
        }
    }
}

extension AllowedModel: Collaboration where Base: Collaboration {}

/// What is known about a call that an allowance kept from being made.
public struct UsedAllowance: CallFailure, CustomStringConvertible {
    /// How long until the next period.
    public var wait: Duration
    /// Not sent, not billed; worth another attempt in the next period.
    public var traits: FailureTraits {
        FailureTraits(isRetryable: true, isThrottling: true, retryAfter: wait)
    }
    /// In one line.
    public var description: String { "not sent, since the allowance is used up" }
}

extension TextModel {
    /// The same model, which may be used for so much within a period, over all runs and copies of the returned value.
    public func allowing(_ allowance: Allowance) -> AllowedModel<Self> {
        AllowedModel(base: self, allowance: allowance)
    }
}

/// The account of a run: what has been used, what is reserved for calls under way, what is left.
struct Ledger {
    let budget: Budget
    private(set) var used = Usage()
    private var reservedCalls = 0
    private var reservedTokens = 0

    /// What an admitted call may use.
    struct Admission {
        /// The most tokens the answer may have; `nil`: the budget does not limit them.
        var tokenCap: Int?
        fileprivate var reservation: Int
    }

    init(budget: Budget) {
        self.budget = budget
    }

    /// Reserves a call, or says which limit stands against it.
    mutating func admit(maximumTokens: Int?, elapsed: Duration) throws(CollabError) -> Admission {
        if let limit = budget.calls, used.calls + reservedCalls >= limit {
            throw exhausted("its \(limit) call\(limit == 1 ? "" : "s")")
        }
        if let limit = budget.duration, elapsed >= limit { throw exhausted("its time of \(limit)") }
        if let limit = budget.cost, used.cost >= limit { throw exhausted("its money (\(limit))") }
        var admission = Admission(tokenCap: nil, reservation: 0)
        if let limit = budget.tokens {
            let left = limit - used.totalTokens - reservedTokens
            if left <= 0 { throw exhausted("its \(limit) tokens") }
            let cap = min(left, maximumTokens ?? left)
            admission.tokenCap = cap
            admission.reservation = maximumTokens == nil ? min(left, Generation.defaultLimit) : cap
            reservedTokens += admission.reservation
        }
        reservedCalls += 1
        return admission
    }

    /// Books what an admitted call used; a failed call counts as a call.
    mutating func settle(_ admission: Admission, usage: Usage) {
        reservedCalls -= 1
        reservedTokens -= admission.reservation
        var usage = usage
        usage.calls = 1
        used += usage
    }

    private func exhausted(_ what: String) -> CollabError {
        CollabError(
            .budgetExhausted,
            "The run has used up \(what); raise the budget, or take the best answer so far."
        )
    }
}

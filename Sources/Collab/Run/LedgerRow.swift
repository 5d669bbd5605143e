/// One call in the account of a run: every attempt has a row of its own.
public struct LedgerRow: Sendable, Codable, Identifiable {
    /// The call's number in the trace.
    public var id: Int
    /// The model that was called.
    public var model: String
    /// When, since the run began.
    public var start: Duration
    /// How long it took; `nil` if it has not ended.
    public var duration: Duration?
    /// What it used; an estimate where the answer broke off.
    public var usage: Usage
    /// Whether it is charged for; `nil` if it has not ended.
    public var billing: TraceNode.Billing?
    /// The server's own identifier of a call that failed.
    public var requestID: String?
    /// How it failed; `nil` if it did not.
    public var failure: String?
}

extension Trace {
    /// The account: a row a call, in the order in which they began.
    public var ledger: [LedgerRow] {
        calls.map { call in
            LedgerRow(
                id: call.id,
                model: call.name,
                start: call.start,
                duration: call.duration,
                usage: call.usage,
                billing: call.billing,
                requestID: call.requestID,
                failure: call.failure
            )
        }
        .sorted { $0.id < $1.id }
    }
}

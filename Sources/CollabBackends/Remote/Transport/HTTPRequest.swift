/// A request as it goes over the wire.
///
/// Its header fields can hold keys, so it neither prints nor mirrors them.
package struct HTTPRequest: Sendable, CustomReflectable, CustomStringConvertible {
    /// The method, such as `POST`.
    package var method: String
    /// Where to.
    package var address: WebAddress
    /// The header fields in order.
    package var fields: [(name: String, value: String)]
    /// The body; `nil` for a request without one.
    package var body: [UInt8]?
    /// How long its phases may take.
    package var timeouts: Timeouts
    /// How much of a response is taken in.
    package var limits = TransferLimits()
    /// When everything has to be over, if earlier than the timeouts say.
    package var deadline: ContinuousClock.Instant?
    /// Whether every byte of the body counts as content for the timeouts, or only what the consumer reports.
    package var countsBytesAsContent = true

    package init(
        _ method: String,
        _ address: WebAddress,
        fields: [(name: String, value: String)] = [],
        body: [UInt8]? = nil,
        timeouts: Timeouts = Timeouts()
    ) {
        self.method = method
        self.address = address
        self.fields = fields
        self.body = body
        self.timeouts = timeouts
    }

    /// Whether it may be sent twice without harm.
    var isIdempotent: Bool { method == "GET" || method == "HEAD" }

    package var description: String { "\(method) \(address)" }
    package var customMirror: Mirror { Mirror(self, children: ["method": method, "address": address]) }
}

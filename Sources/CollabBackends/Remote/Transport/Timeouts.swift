/// How long the phases of a call to a server may take.
///
/// A model may think for minutes before its first word and then write for minutes, so one number for the whole call
/// would be either too short or useless. Time in which the caller is the slow side does not count against the phases,
/// and comments that a server sends only to keep the connection open do not count as content.
public struct Timeouts: Hashable, Sendable {
    /// Until the connection stands: name look-up, TCP, TLS.
    public var connect: Duration
    /// From then until the first content of the answer.
    public var firstByte: Duration
    /// Between two pieces of content.
    public var idle: Duration
    /// For the whole call; the deadline of the run holds as well.
    public var total: Duration

    /// Makes timeouts.
    public init(
        connect: Duration = .seconds(10),
        firstByte: Duration = .seconds(120),
        idle: Duration = .seconds(60),
        total: Duration = .seconds(1800)
    ) {
        self.connect = connect
        self.firstByte = firstByte
        self.idle = idle
        self.total = total
    }
}

/// A phase of a call that can take too long.
package enum TimeoutPhase: Hashable, Sendable {
    case connect
    case firstByte
    case idle
    case total
}

/// How a replica is doing.
public struct ReplicaHealth: Hashable, Sendable {
    /// The replica's name, unique among its siblings.
    public var name: String
    /// Whether it is asked, left out for a while, or about to be tried again.
    public var state: CircuitState
    /// How long it asked to be left alone, from now; `nil` if it did not.
    public var rest: Duration?
    /// Calls under way.
    public var underWay: Int
    /// Calls since the beginning.
    public var calls: Int
    /// How many of them failed.
    public var failures: Int
    /// The mean time until its answers began of late; `nil` before the first.
    public var latency: Duration?
    /// The last failure in one line.
    public var lastFailure: String?
}

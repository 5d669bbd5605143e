/// Where a pipeline gets its team from: a team that is always the same, or a route that chooses one for a request.
public protocol TeamSource<Access>: Sendable {
    /// The access level of every team that it can give.
    associatedtype Access: AccessLevel
    /// What to call it in traces; `nil` if there is nothing to trace.
    var traceName: String? { get }
    /// The sizes of the teams that it can give, smallest and largest.
    var teamSizes: ClosedRange<Int> { get }
    /// How many calls choosing makes.
    var callRange: ClosedRange<Int> { get }
    /// The team for a request.
    func team(for request: Request) async throws(CollabError) -> Team<Access>
    /// What would be decided, and the team, without asking a model; no team if that cannot be told.
    func preview(_ request: Request) async throws(CollabError) -> (decision: Decision?, team: Team<Access>?)
}

extension TeamSource {
    /// Choosing makes no calls unless the source says so.
    public var callRange: ClosedRange<Int> { 0...0 }
    /// Nothing can be told unless the source says how.
    public func preview(_ request: Request) async throws(CollabError) -> (
        decision: Decision?, team: Team<Access>?
    ) { (nil, nil) }
}

extension Team: TeamSource {
    /// A fixed team is not traced.
    public var traceName: String? { nil }
    /// The team's size.
    public var teamSizes: ClosedRange<Int> { members.count...members.count }
    /// The team itself.
    public func team(for request: Request) async throws(CollabError) -> Team<Access> { self }
    /// The team itself.
    public func preview(_ request: Request) async throws(CollabError) -> (
        decision: Decision?, team: Team<Access>?
    ) { (nil, self) }
}

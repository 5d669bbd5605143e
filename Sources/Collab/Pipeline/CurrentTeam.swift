/// Whom a collaboration works with: the team of the pipeline it stands in, or members of its own.
///
/// `Debate(rounds: 2)` works with the pipeline's current team and is a stage; `Debate(rounds: 2) { a; b }` has members
/// of its own and is a model.
public protocol Participants: Sendable {}

/// The team of the pipeline in which the collaboration stands.
public struct CurrentTeam: Participants {
    /// Makes the marker.
    public init() {}
}

extension Team: Participants {}

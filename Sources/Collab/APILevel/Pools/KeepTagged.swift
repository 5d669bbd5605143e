/// Keeps the members that have all of some tags: those that may be used for a customer, in a region, for a purpose.
public struct KeepTagged: Stage {
    /// The tags.
    public let tags: Set<String>

    /// Makes a stage.
    public init(_ tags: String...) { self.tags = Set(tags) }

    /// What to call the stage in traces.
    public var name: String { "keep \(tags.sorted().joined(separator: ", "))" }
    /// Members may leave.
    public var replacesTeam: Bool { true }
    /// No calls.
    public func callRange(teamSize: Int) -> ClosedRange<Int> { 0...0 }

    /// Removes the members that lack a tag.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` if nobody is left.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        let team = deliberation.team
        let kept = team.members.filter { Access.textModel($0).profile.tags.isSuperset(of: tags) }
        guard !kept.isEmpty else {
            throw CollabError(
                .emptyTeam,
                "No member of “\(team.name)” has the tags \(tags.sorted().joined(separator: ", ")); see tagged(_:)."
            )
        }
        deliberation.team.members = kept
        let names = kept.map { Access.textModel($0).name }.joined(separator: ", ")
        Run.record(
            Decision(choice: names, reason: "they have the tags \(tags.sorted().joined(separator: ", "))")
        )
    }
}

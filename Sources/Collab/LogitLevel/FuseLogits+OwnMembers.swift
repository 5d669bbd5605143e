// A fusion with members of its own needs nothing of the pipeline's team, so it can stand behind any team, even one
// that only gives text: the team finds out, the members write it up.
extension FuseLogits: Stage where Members == Team<LogitAccess> {
    /// The fusion is one call, however many members take part in it.
    public func callRange(teamSize: Int) -> ClosedRange<Int> { 1...1 }

    /// Throws what ``FusedModel/validate()`` throws for the fusion's own members, whatever the team is.
    public func validate<Access: AccessLevel>(_ team: Team<Access>) throws(CollabError) {
        try FusedModel(nil, fusion, members: members.members).validate()
    }

    /// Writes the answer with its own members, whose roles see the drafts so far, and settles on it.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        let drafts = deliberation.drafts
        let informed = members.members.map { ($0 as? any DraftInformed)?.informed(by: drafts) ?? $0 }
        let model = FusedModel(nil, fusion, members: informed)
        try model.validate()
        let response = try await model.respond(to: deliberation.request, into: deliberation.sink)
        deliberation.settle(onStreamed: response)
    }
}

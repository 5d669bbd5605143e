/// The models that a merge stage has made, one for every team it has met.
///
/// Requests that come while a model is being made wait for it; a failed attempt is not kept. Teams are told apart by
/// their members' identities; members of which nothing is known but their name are taken for the same model where
/// their names are equal and they stand in the same place.
actor MergedModels {
    private struct Key: Hashable {
        var name: String
        var identity: ModelIdentity?
    }

    private var made: [[Key]: Task<Result<any WeightModel, CollabError>, Never>] = [:]

    /// The model of a team, and whether it had to be made.
    func model(
        of members: [any WeightModel],
        _ make: @escaping @Sendable () async throws(CollabError) -> any WeightModel
    ) async throws(CollabError) -> (model: any WeightModel, isNew: Bool) {
        let key = members.map { Key(name: $0.name, identity: ModelIdentity($0)) }
        let known = made[key]
        let task =
            known
            ?? Task { () async -> Result<any WeightModel, CollabError> in
                do throws(CollabError) { return .success(try await make()) } catch { return .failure(error) }
            }
        made[key] = task
        let result = await task.value
        if case .failure = result, made[key] == task { made[key] = nil }
        return (try result.get(), known == nil)
    }
}

/// Runs a closure for every element side by side and returns the results in the elements' order.
///
/// The first failure, in the elements' order, cancels the others and is thrown. Task groups erase typed errors; this
/// keeps them.
public func concurrently<Element: Sendable, Output: Sendable>(
    _ elements: [Element],
    _ body: @escaping @Sendable (Element) async throws(CollabError) -> Output
) async throws(CollabError) -> [Output] {
    let outcomes = await concurrentOutcomes(elements, cancellingOnFailure: true, body)
    // A sibling that was cancelled because of the failure must not hide it.
    for outcome in outcomes {
        if case .failure(let error) = outcome, error.code != .cancelled { throw error }
    }
    var results: [Output] = []
    results.reserveCapacity(outcomes.count)
    for outcome in outcomes { results.append(try outcome.get()) }
    return results
}

/// Runs a closure for every element side by side and returns every outcome, in the elements' order.
public func concurrentOutcomes<Element: Sendable, Output: Sendable>(
    _ elements: [Element],
    cancellingOnFailure: Bool = false,
    _ body: @escaping @Sendable (Element) async throws(CollabError) -> Output
) async -> [Result<Output, CollabError>] {
    await withTaskGroup(of: (Int, Result<Output, CollabError>).self) { group in
        for (index, element) in elements.enumerated() {
            group.addTask {
                do throws(CollabError) { return (index, .success(try await body(element))) } catch {
                    return (index, .failure(error))
                }
            }
        }
        var outcomes = [Result<Output, CollabError>?](repeating: nil, count: elements.count)
        for await (index, outcome) in group {
            outcomes[index] = outcome
            if cancellingOnFailure, case .failure = outcome { group.cancelAll() }
        }
        return outcomes.map { $0 ?? .failure(.cancelled) }
    }
}

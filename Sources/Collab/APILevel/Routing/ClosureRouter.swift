/// Lets a closure of the program's own choose.
public struct ClosureRouter: Router {
    /// What to call the router in traces.
    public let name: String
    private let choose: @Sendable (Request) async throws -> String?

    /// Makes a router from a closure that returns a candidate's name, or `nil` for none.
    public init(
        _ name: String = "rule",
        choose: @escaping @Sendable (Request) async throws -> String?
    ) {
        self.name = name
        self.choose = choose
    }

    /// The candidate that the closure names; a name that no candidate has is an error.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        let unscored = [Double?](repeating: nil, count: candidates.count)
        guard let chosen = try await chosen(for: request) else {
            return RoutingDecision(choice: nil, scores: unscored, reason: "\(name) chose none")
        }
        guard let index = candidates.firstIndex(where: { $0.name == chosen }) else {
            let names = candidates.map(\.name).joined(separator: ", ")
            throw CollabError(.invalidRequest, "\(name) chose “\(chosen)”, but the candidates are \(names).")
        }
        return RoutingDecision(choice: index, scores: unscored, reason: "\(name) chose \(chosen)")
    }

    private func chosen(for request: Request) async throws(CollabError) -> String? {
        do { return try await choose(request) } catch {
            throw CollabError(wrapping: error, "The closure of the router “\(name)” failed.")
        }
    }
}

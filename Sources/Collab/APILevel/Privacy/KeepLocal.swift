/// Keeps private requests to local members: whoever may send them elsewhere leaves the team.
///
/// ```swift
/// Pipeline {
///     Team { small; large.located(.remote) }
///     KeepLocal()
///     Cascade(until: .confidence(above: 0.8))
/// }
/// ```
///
/// A member counts as local if its ``ModelProfile`` says so: native models do, remote ones only if the program vouches
/// for them with `located(_:)`, and what is unknown does not. A request without private parts goes to the
/// whole team.
public struct KeepLocal: Stage {
    /// What to call the stage in traces.
    public var name = "keep local"
    /// What is private.
    public var detectors: [PrivacyDetector]

    /// Makes a stage.
    public init(_ detectors: [PrivacyDetector] = .standard) {
        self.detectors = detectors
    }

    /// Members may leave.
    public var replacesTeam: Bool { true }

    /// What looking makes, for one text.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        0...detectors.reduce(0) { $0 + $1.callRange.upperBound }
    }

    /// Removes the members that are not local, if the request or a draft of it is private.
    ///
    /// Throws ``CollabError/Code/privateContent`` if nobody is left.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        let drafts = deliberation.drafts.map { Message.assistant($0.text) }
        let everything = deliberation.request.appending(drafts)
        guard let kinds = try await everything.privateKinds(by: detectors) else {
            Run.record(Decision(choice: "everybody", reason: "nothing private was found"))
            return
        }
        let team = deliberation.team
        let kept = team.members.filter { Access.textModel($0).profile.isLocal }
        guard !kept.isEmpty else {
            throw CollabError(
                .privateContent,
                """
                The request holds private parts (\(kinds)), and “\(team.name)” has no local member; add one, or vouch for \
                one with located(.local).
                """
            )
        }
        deliberation.team.members = kept
        let names = kept.map { Access.textModel($0).name }.joined(separator: ", ")
        Run.record(Decision(choice: names, reason: "the request holds private parts: \(kinds)"))
    }
}

extension Request {
    /// The kinds of private parts, each once; `nil` if there are none. Attachments are private: nobody looked into them.
    func privateKinds(by detectors: [PrivacyDetector]) async throws(CollabError) -> String? {
        var kinds: Set<String> = []
        if messages.contains(where: { !$0.attachments.isEmpty }) { kinds.insert("ATTACHMENT") }
        for text in allTexts {
            for detector in detectors {
                kinds.formUnion(try await detector.spans(in: text).map(\.kind))
            }
        }
        return kinds.isEmpty ? nil : kinds.sorted().joined(separator: ", ")
    }
}

/// Chooses one candidate for requests with private parts, and another for all others.
public struct PrivacyRouter: Router {
    /// What to call the router in traces.
    public var name: String { "privacy" }
    /// The candidate for private requests.
    public let local: String
    /// The candidate for others.
    public let other: String
    /// What is private.
    public let detectors: [PrivacyDetector]

    /// What looking makes, for one text.
    public var callRange: ClosedRange<Int> { 0...detectors.reduce(0) { $0 + $1.callRange.upperBound } }

    /// Chooses by what the detectors find. The program sees to it that the candidate for private requests is local.
    ///
    /// Where a detector fails, the request counts as private: nobody has looked, and a route's fallback may be anybody.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        let reason: String?
        do throws(CollabError) {
            reason = try await request.privateKinds(by: detectors).map {
                "the request holds private parts: \($0)"
            }
        } catch {
            guard error.isPassing else { throw error }
            reason = "it is not known whether the request is private (\(error.code): \(error.message))"
        }
        let wanted = reason == nil ? other : local
        guard let index = candidates.firstIndex(where: { $0.name == wanted }) else {
            throw CollabError(.invalidRequest, "The route has no team “\(wanted)” that privacy could choose.")
        }
        let scores = candidates.indices.map { Optional($0 == index ? 1.0 : 0) }
        return RoutingDecision(choice: index, scores: scores, reason: reason ?? "nothing private was found")
    }
}

extension Router where Self == PrivacyRouter {
    /// Chooses one team for requests with private parts, and another for all others.
    public static func privacy(
        local: String,
        otherwise other: String,
        detectors: [PrivacyDetector] = .standard
    ) -> PrivacyRouter {
        PrivacyRouter(local: local, other: other, detectors: detectors)
    }
}

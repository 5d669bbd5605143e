/// A local model that asks a stronger remote one for help without telling it what is private.
///
/// The local model rewrites the question so that it names nobody; the remote one answers that; the local one writes the
/// answer to the original question with the help in view, and only its own words are returned (privacy-conscious
/// delegation, Li et al. 2024, “PAPILLON”). What the detectors find is replaced by placeholders in the rewritten
/// question as well, whatever the local model has written. If the remote model fails, or the rewriting comes to
/// nothing, the local model answers alone, and the trace says so.
///
/// What no detector finds may still be told in other words: the local model is as careful as it is able.
public struct Delegation: Collaboration {
    /// What to call it in traces.
    public let name: String
    /// Who knows everything. It must be local, by its ``ModelProfile``.
    public let local: any TextModel
    /// Who helps.
    public let remote: any TextModel
    /// What must never go out.
    public let detectors: [PrivacyDetector]

    /// Makes a delegation.
    public init(
        _ name: String = "delegation",
        local: any TextModel,
        remote: any TextModel,
        detectors: [PrivacyDetector] = .standard
    ) {
        self.name = name
        self.local = local
        self.remote = remote
        self.detectors = detectors
    }

    /// What both have in common.
    public var profile: ModelProfile { ModelProfile(of: [local, remote]) }

    /// Two calls of the local model and one of the remote one, and what the detectors make.
    public var callRange: ClosedRange<Int> {
        let looking = detectors.reduce(0) { $0 + $1.callRange.upperBound }
        return 2...(3 + callCount(looking, 2))
    }

    /// Rewrites, asks, merges.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if the local model is not known to be local.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        guard local.profile.isLocal else {
            throw CollabError(
                .invalidRequest,
                "\(local.name) would be told everything, but is not known to be local; vouch for it with located(.local)."
            )
        }
        guard let help = try await help(with: request) else {
            return try await local.respond(to: request, into: sink)
        }
        let informed = request.replacingQuestion(
            with: """
                \(request.question)

                Notes from a colleague, who was asked in general terms:
                \(help)

                Answer the question above with the help of these notes.
                """
        )
        return try await local.respond(to: informed, into: sink)
    }

    /// What the remote model says to the rewritten question; `nil` if that came to nothing.
    private func help(with request: Request) async throws(CollabError) -> String? {
        do throws(CollabError) {
            // What is private in the whole conversation must not reappear in the rewritten question.
            let known = try await Redaction(of: request, by: detectors)
            let rewritten = try await local.respond(to: rewriting(request)).text.trimmed
            guard !rewritten.isEmpty else {
                Run.note("delegated", "no: \(local.name) rewrote the question to nothing")
                return nil
            }
            let asked = try await Redaction(of: Request(known.redacted(rewritten)), by: detectors)
            if asked.request.question != rewritten {
                Run.note("redacted", "what the rewritten question still told")
            }
            let answer = try await remote.respond(to: asked.request)
            let help = known.restored(asked.restored(answer.text)).trimmed
            if help.isEmpty { Run.note("delegated", "no: \(remote.name) answered nothing") }
            return help.isEmpty ? nil : help
        } catch {
            guard error.isSurvivable else { throw error }
            Run.note("delegated", "no: \(error.code)")
            return nil
        }
    }

    private func rewriting(_ request: Request) -> Request {
        let turns = request.messages.map { "\($0.role.rawValue): \($0.text)" }.joined(separator: "\n")
        return Request(
            """
            A colleague who must not learn anything private is to be asked for help with the last question below. Write \
            one self-contained question in general terms that gives him what he needs, without names, numbers, \
            addresses or other details that tell who somebody is. Write the question and nothing else.

            \(turns)
            """
        )
    }
}

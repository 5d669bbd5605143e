import Collab

/// A failure whose traits a test chooses.
struct StagedFailure: CallFailure {
    var traits: FailureTraits
}

extension CollabError {
    /// An error whose cause has given traits.
    static func staged(_ code: Code, _ traits: FailureTraits) -> CollabError {
        CollabError(code, "A staged failure.", cause: StagedFailure(traits: traits))
    }

    static let overloaded = CollabError(.serverError, "Overloaded.")

    static func throttled(for wait: Duration?) -> CollabError {
        .staged(.rateLimited, FailureTraits(isRetryable: true, isThrottling: true, retryAfter: wait))
    }

    static let lostAnswer = CollabError.staged(
        .transport,
        FailureTraits(
            isRetryable: true,
            isUnhealthy: true,
            isPossiblyBilled: true,
            usage: Usage(promptTokens: 7, completionTokens: 3),
            requestID: "r-1"
        )
    )
}

/// The outcome of a call as a value.
func outcome(
    of model: some TextModel,
    _ request: Request = "?",
    in run: Run? = nil
) async -> Result<Response, CollabError> {
    do throws(CollabError) { return .success(try await model.respond(to: request, in: run)) } catch {
        return .failure(error)
    }
}

extension Result where Failure == CollabError {
    var error: CollabError? { if case .failure(let error) = self { error } else { nil } }
}

/// A model that never sees what is private: placeholders go out, and the private parts come back into its answer.
///
/// Everything that goes to the model passes through here, also what other members have said, so a remote member of a
/// debate or a cascade can be wrapped and the others left as they are. The answer's tokens, where they are reported,
/// are those that the model wrote, placeholders included.
public struct RedactedModel<Base: TextModel>: Collaboration {
    /// The model beneath.
    public let base: Base
    /// What is private.
    public let detectors: [PrivacyDetector]
    /// What happens to a request with private parts.
    public let policy: PrivacyPolicy

    /// The base's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Asks the base without the private parts.
    ///
    /// Throws ``CollabError/Code/privateContent`` if there are some and the policy is to refuse.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let redaction = try await Redaction(of: request, by: detectors)
        if redaction.isEmpty { return try await base.respond(to: request, into: sink) }
        if policy == .refuse {
            throw CollabError(
                .privateContent,
                "The request was not sent to \(name), since it holds private parts: \(redaction.summary)."
            )
        }
        Run.note("redacted", redaction.summary)
        let restorer = Protected(PlaceholderRestorer(redaction))
        let restoring =
            sink.isDiscarding
            ? sink
            : ResponseSink { piece in
                await sink.send(restorer.withLock { $0.add(piece) })
            }
        var response = try await base.respond(to: redaction.request, into: restoring)
        await sink.send(restorer.withLock { $0.finish() })
        response.text = redaction.restored(response.text)
        response.thinking = response.thinking.map(redaction.restored)
        response.refusal = response.refusal.map(redaction.restored)
        for index in response.toolCalls.indices {
            response.toolCalls[index].arguments = redaction.restored(response.toolCalls[index].arguments)
        }
        return response
    }
}

/// What happens to a request with private parts.
public enum PrivacyPolicy: Hashable, Sendable {
    /// Placeholders are sent in their place.
    case redact
    /// Nothing is sent, and the call fails.
    case refuse
}

extension TextModel {
    /// The same model, which is sent placeholders in the place of what is private; its answer has the private parts back.
    public func redacting(_ detectors: [PrivacyDetector] = .standard) -> RedactedModel<Self> {
        RedactedModel(base: self, detectors: detectors, policy: .redact)
    }

    /// The same model, which is not asked at all if a request holds private parts.
    public func refusingPrivate(_ detectors: [PrivacyDetector] = .standard) -> RedactedModel<Self> {
        RedactedModel(base: self, detectors: detectors, policy: .refuse)
    }

    /// The same model, which is sent placeholders in the place of what is private.
    @_disfavoredOverload
    public func redacting(_ detectors: [PrivacyDetector] = .standard) -> any TextModel {
        RedactedModel(base: self, detectors: detectors, policy: .redact)
    }

    /// The same model, which is not asked at all if a request holds private parts.
    @_disfavoredOverload
    public func refusingPrivate(_ detectors: [PrivacyDetector] = .standard) -> any TextModel {
        RedactedModel(base: self, detectors: detectors, policy: .refuse)
    }
}

extension CollabError.Code {
    /// A request holds private parts and may go only to local models.
    public static let privateContent = Self("privateContent")
}

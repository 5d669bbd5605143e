/// Asks one model, and the next if it fails.
///
/// Nothing falls back after a cancellation, an exhausted budget or a request that no model could answer. Once a part of
/// an answer has been handed out, the failure is thrown, or the next model goes on where it broke off, as the caller
/// chooses. The trace says who failed and who answered; an answer that was continued says so in
/// ``Response/model`` too.
public struct FallbackModel: Collaboration {
    /// What to call the model.
    public let name: String
    /// What happens if a model fails in the middle of its answer.
    public let afterOutput: AfterOutput
    let members: [any TextModel]
    /// After which failures the next model is asked; `nil`: after all that another model may not have.
    var codes: Set<CollabError.Code>?

    /// What the members have in common.
    public var profile: ModelProfile { ModelProfile(of: members) }

    /// Asks the models in turn until one answers.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let output = CountingSink(sink)
        var failures: [String] = []
        var authors: [String] = []
        var last: CollabError?
        for member in members {
            let before = output.delivered
            let continuation = Continuation(beginning: before)
            do throws(CollabError) {
                let asked = continuation.request(for: request)
                var response = continuation.whole(try await member.respond(to: asked, into: output.entrance))
                if !failures.isEmpty {
                    Run.record(
                        Decision(
                            choice: member.name,
                            reason: failures.joined(separator: "; "),
                            asked: member.name
                        )
                    )
                }
                if !authors.isEmpty {
                    Run.note("continued", "by \(member.name) after \(before.count) characters")
                    response.model = (authors + [response.model]).joined(separator: ", continued by ")
                }
                return response
            } catch {
                let hasWritten = output.delivered.utf8.count > before.utf8.count
                guard error.isSurvivable, error.code != .invalidRequest, codes?.contains(error.code) ?? true,
                    !output.hasDelivered || afterOutput == .resume
                else { throw error }
                if hasWritten { authors.append(member.name) }
                failures.append("\(member.name) failed (\(error.code): \(error.message))")
                last = error
            }
        }
        throw CollabError(
            last?.code ?? .emptyTeam,
            "\(name) and its fallbacks all failed; the last failure is the cause.",
            cause: last
        )
    }
}

extension TextModel {
    /// The same model, with others that answer in its place if it fails.
    ///
    /// - Parameter afterOutput: what happens if a model fails in the middle of its answer.
    public func fallback(to others: any TextModel..., afterOutput: AfterOutput = .fail) -> FallbackModel {
        FallbackModel(name: name, afterOutput: afterOutput, members: [self] + others)
    }

    /// The same model, with others that answer in its place after failures of certain codes: one with a longer context
    /// after ``CollabError/Code/contextOverflow``, say. Other failures are thrown; a fallback for them can be added.
    ///
    /// - Parameters:
    ///   - others: who answers then.
    ///   - codes: after which failures.
    ///   - afterOutput: what happens if a model fails in the middle of its answer.
    public func fallback(
        to others: any TextModel...,
        after codes: Set<CollabError.Code>,
        afterOutput: AfterOutput = .fail
    ) -> FallbackModel {
        FallbackModel(name: name, afterOutput: afterOutput, members: [self] + others, codes: codes)
    }
}

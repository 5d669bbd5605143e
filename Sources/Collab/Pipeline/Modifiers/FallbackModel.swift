/// Asks one model, and the next if it fails.
///
/// The fallback is tried only as long as nothing of an answer has been written, and never after a cancellation, an
/// exhausted budget or a request that no model could answer. The trace says who failed and who answered.
public struct FallbackModel: Collaboration {
    /// What to call the model.
    public let name: String
    let members: [any TextModel]

    /// Asks the models in turn until one answers.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let output = CountingSink(sink)
        var failures: [String] = []
        var last: CollabError?
        for member in members {
            do throws(CollabError) {
                let response = try await member.respond(to: request, into: output.entrance)
                if !failures.isEmpty {
                    Run.record(Decision(choice: member.name, reason: failures.joined(separator: "; ")))
                }
                return response
            } catch {
                guard error.isSurvivable, error.code != .invalidRequest, output.isEmpty else { throw error }
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
    public func fallback(to others: any TextModel...) -> FallbackModel {
        FallbackModel(name: name, members: [self] + others)
    }
}

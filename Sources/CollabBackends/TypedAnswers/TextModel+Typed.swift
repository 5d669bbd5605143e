public import Collab

extension TextModel {
    /// Answers with a value that is decoded from JSON.
    ///
    /// What the model writes is repaired where only its form is wrong (see ``Collab/AnswerFormat/json(_:)``). If nothing
    /// can be decoded from it, the model is told once what is wrong, and answers again. The request must say what JSON
    /// is wanted; a server that can hold the answer to a schema does so by its own option.
    ///
    /// ```swift
    /// struct Verdict: Decodable { var isRight: Bool; var reason: String }
    /// func judge(_ model: some TextModel) async throws -> Verdict {
    ///     try await model.respond(
    ///         to: "Is 7 prime? Answer as JSON: {\"isRight\": …, \"reason\": …}",
    ///         as: Verdict.self
    ///     ).value
    /// }
    /// ```
    ///
    /// - Returns: the value, and the response that it was read from.
    ///
    /// Throws ``Collab/CollabError/Code/unparsed`` if the second answer cannot be decoded either, and whatever the model
    /// throws.
    public func respond<Value: Decodable>(
        to request: Request,
        as type: Value.Type,
        in run: Run? = nil
    ) async throws(CollabError) -> (value: Value, response: Response) {
        let first = try await respond(to: request, in: run)
        guard case .failure(let problem) = TypedAnswer.read(type, in: first.text) else {
            return (try value(type, in: first), first)
        }
        let again = request.appending([
            .assistant(first.text.isEmpty ? "…" : first.text),
            .user(
                "That cannot be used: \(problem.message). Write the whole answer again, as JSON and nothing else."
            ),
        ])
        let second = try await respond(to: again, in: run)
        return (try value(type, in: second), second)
    }

    private func value<Value: Decodable>(
        _ type: Value.Type,
        in response: Response
    ) throws(CollabError) -> Value {
        switch TypedAnswer.read(type, in: response.text) {
        case .success(let read): return read.value
        case .failure(let problem):
            throw CollabError(
                .unparsed,
                "No \(type) can be decoded from what \(response.model) wrote, also when told what was wrong: "
                    + "\(problem.message). Say in the request which JSON is wanted, or take a larger model."
            )
        }
    }
}

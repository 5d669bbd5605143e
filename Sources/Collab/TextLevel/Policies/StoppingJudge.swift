/// Whoever is asked after a round whether the members agree.
public protocol StoppingJudge: Sendable {
    /// The model that is asked.
    var model: any TextModel { get }
    /// Whether the talk is over.
    func isSettled(_ table: DebateTable, _ request: Request) async throws(CollabError) -> Bool
}

/// Asks a model whether answers say the same.
private struct AgreementJudge: StoppingJudge {
    let model: any TextModel
    let prompt: @Sendable (Request, [Statement]) -> Request

    func isSettled(_ table: DebateTable, _ request: Request) async throws(CollabError) -> Bool {
        let statements = table.latest
        guard statements.count > 1 else { return false }
        do throws(CollabError) {
            let said = try await model.respond(to: prompt(request, statements)).text
            return YesNoReader.verdict(said) == "yes"
        } catch {
            // A judge that cannot be asked ends nothing; the rounds are bounded.
            guard error.isSurvivable else { throw error }
            Run.note("failed", "\(model.name), asked whether the members agree: \(error.code)")
            return false
        }
    }
}

extension Stopping {
    /// A model says that the latest answers come to the same: for free text, where equal answers are worded differently.
    ///
    /// One call a round, made only if the other rules that it stands with leave the matter open. What cannot be read as a
    /// yes lets the talk go on.
    ///
    /// - Parameters:
    ///   - model: who is asked.
    ///   - prompt: makes the question from what was asked and the latest statements.
    public static func judge(
        _ model: any TextModel,
        prompt: @escaping @Sendable (_ request: Request, _ statements: [Statement]) -> Request =
            agreementPrompt
    ) -> Stopping {
        Stopping(
            "agreement in the judgement of \(model.name)",
            asking: AgreementJudge(model: model, prompt: prompt)
        )
    }

    /// Shows the question and the answers, and asks for yes or no.
    @Sendable
    public static func agreementPrompt(_ request: Request, _ statements: [Statement]) -> Request {
        let answers = statements.enumerated().map { "Answer \($0 + 1): \($1.text.trimmed)" }
        return Request(
            """
            Question: \(request.question.trimmed)

            \(answers.joined(separator: "\n\n"))

            Do all of these answers come to the same result? Answer with yes or no, and nothing else.
            """
        )
    }
}

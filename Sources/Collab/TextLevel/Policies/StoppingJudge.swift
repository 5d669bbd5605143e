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
    let wording: Wording
    let prompt: @Sendable (Request, [Statement]) -> Request

    func isSettled(_ table: DebateTable, _ request: Request) async throws(CollabError) -> Bool {
        let statements = table.latest
        guard statements.count > 1 else { return false }
        do throws(CollabError) {
            let said = try await model.respond(to: prompt(request, statements)).text
            return YesNoReader(wording).verdict(said) == "yes"
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
    ///   - wording: the language in which it is asked, and by whose words its yes is known.
    ///   - prompt: makes the question from what was asked and the latest statements; `nil`: shows both, and asks for yes or
    ///     no.
    public static func judge(
        _ model: any TextModel,
        in wording: Wording = .english,
        prompt: (@Sendable (_ request: Request, _ statements: [Statement]) -> Request)? = nil
    ) -> Stopping {
        let standard: @Sendable (Request, [Statement]) -> Request = { agreementPrompt($0, $1, in: wording) }
        return Stopping(
            "agreement in the judgement of \(model.name)",
            asking: AgreementJudge(model: model, wording: wording, prompt: prompt ?? standard)
        )
    }

    /// Shows the question and the answers, and asks for yes or no.
    public static func agreementPrompt(
        _ request: Request,
        _ statements: [Statement],
        in wording: Wording = .english
    ) -> Request {
        let answers = statements.enumerated().map {
            "\(wording("Answer #", "\($0 + 1)")): \($1.text.trimmed)"
        }
        let parts =
            ["\(wording("Question")): \(request.question.trimmed)"] + answers + [
                wording(
                    "Do all of these answers come to the same result? Answer with yes or no, and nothing else."
                )
            ]
        return Request(.dialogue([.user(parts.joined(separator: "\n\n"))]))
    }
}

/// What is said where a procedure finds that it should rather not answer.
///
/// The response ends as ``Response/Ending/refused``, with the reason as its ``Response/refusal``; the answer that was
/// withheld is in the trace.
public struct Abstention: Hashable, Sendable, Codable {
    /// The text that is answered.
    public var text: String

    /// Makes an abstention.
    public init(text: String = "I do not know.") { self.text = text }

    /// The response that withholds an answer.
    func withholding(_ statement: Statement, by name: String, because reason: String) -> Response {
        Response(text: text, model: name, ending: .refused, refusal: reason)
    }
}

extension Meeting {
    /// Concludes with an answer, or abstains from it.
    ///
    /// - Parameters:
    ///   - statement: the answer in question.
    ///   - support: the share of probes that it has withstood, from 0 to 1; `nil` if none could be read.
    ///   - threshold: it is withheld if the support is not above this.
    func keep(
        _ statement: Statement,
        support: Double?,
        above threshold: Double,
        abstaining abstention: Abstention,
        name: String,
        reason: String
    ) -> Conclusion {
        let isKept = support.map { $0 > threshold } ?? true
        let decision = Decision(
            choice: isKept ? statement.answer.description : "abstain",
            reason: support == nil ? "no probe could be read, so the answer stands untested" : reason,
            scores: [Decision.Score(statement.answer.description, support)],
            threshold: threshold
        )
        Run.note("abstains", isKept ? "no" : "yes, from “\(statement.text.excerpt(80))”")
        var conclusion = Conclusion(statement, isAgreed: isKept, because: decision)
        if !isKept {
            conclusion.response = abstention.withholding(statement, by: name, because: reason)
            conclusion.answer = .unparsed
        }
        conclusion.confidence = support
        return conclusion
    }
}

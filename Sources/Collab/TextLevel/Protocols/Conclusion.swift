/// What a ``Meeting`` came to.
public struct Conclusion: Sendable {
    /// The answer.
    public var response: Response
    /// How sure the meeting is, between 0 and 1; `nil` if that was not measured.
    public var confidence: Double?
    /// Whether the members agree on it.
    public var isAgreed: Bool
    /// Why this is the answer, with what spoke for the others.
    public var decision: Decision?
    /// What it answers, by which the talk is measured (``Talk/outcome``): ``Answer/unparsed`` if the answer is withheld, `nil`
    /// if nothing was decided.
    public var answer: Answer?
    /// Whether the text has gone to the reader while it was written.
    var isStreamed = false

    /// Concludes with a response.
    public init(
        _ response: Response,
        confidence: Double? = nil,
        isAgreed: Bool = false,
        because decision: Decision? = nil
    ) {
        self.response = response
        self.confidence = confidence
        self.isAgreed = isAgreed
        self.decision = decision
    }

    /// Concludes with what a member said.
    public init(_ statement: Statement, isAgreed: Bool = false, because decision: Decision? = nil) {
        self.init(
            statement.response,
            confidence: statement.confidence,
            isAgreed: isAgreed,
            because: decision
        )
        answer = statement.answer
    }

    /// Records the decision and the confidence at the current place of the trace.
    func record(by name: String) {
        if var decision {
            decision.answer = decision.answer ?? answer
            Run.record(decision)
        } else if let answer {
            Run.record(Decision(choice: response.model, reason: "the answer of \(name)", answer: answer))
        }
        Run.record(confidence: confidence)
    }
}

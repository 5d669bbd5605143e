/// What had been written when a constrained answer ended too early.
public struct UnfinishedAnswer: Error, Hashable, Sendable {
    /// What was written.
    public var text: String
    /// Why it ended.
    public var ending: Response.Ending
    /// What it took.
    public var usage: Usage

    /// Makes a record.
    public init(text: String, ending: Response.Ending, usage: Usage) {
        self.text = text
        self.ending = ending
        self.usage = usage
    }
}

extension UnfinishedAnswer: CallFailure {
    /// Another draw may come to its end; what was written is used all the same.
    public var traits: FailureTraits {
        FailureTraits(isRetryable: true, isPossiblyBilled: true, usage: usage)
    }
}

extension [Constraint] {
    /// Whether all of them allow a whole text.
    func allow(_ text: String) throws(CollabError) -> Bool {
        for constraint in self {
            if try !constraint.allows(text) { return false }
        }
        return true
    }

    /// Throws ``CollabError/Code/unfinishedAnswer`` for an answer that ended before it was what is demanded.
    func check(_ response: Response) throws(CollabError) {
        for constraint in self {
            if try constraint.allows(response.text) { continue }
            let reason =
                switch response.ending {
                case .tokenLimit: "the token limit was reached; allow more tokens, or constrain lengths"
                case .budgetExhausted: "the run’s time was up"
                case .other(let reason): reason
                default:
                    """
                    a stop sequence was written, or a model that is not constrained ended it; use no stop sequence that \
                    the constraint allows, and constrain all models
                    """
                }
            throw CollabError(
                .unfinishedAnswer,
                "The answer is not yet what \(constraint.name) demands: \(reason).",
                cause: UnfinishedAnswer(
                    text: response.text,
                    ending: response.ending,
                    usage: response.usage
                )
            )
        }
    }
}

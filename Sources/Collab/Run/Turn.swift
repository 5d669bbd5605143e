/// A member's turn in a text-level collaboration, as it stands in the trace: who spoke, having heard whom, and what it
/// answered before and after.
///
/// Everything that is measured about communication is a fold over turns: changes of mind, conformity, redundancy.
public struct Turn: Hashable, Sendable, Codable {
    /// The round; 0 is the opening one.
    public var round: Int
    /// Who spoke.
    public var speaker: String
    /// Whose statements it had been shown.
    public var heard: [String]
    /// What it answered.
    public var answer: Answer
    /// What it had answered before; `nil` if it had not spoken.
    public var before: Answer?
    /// How sure it was; `nil` if that was not measured.
    public var confidence: Double?

    /// Makes a turn.
    public init(
        round: Int,
        speaker: String,
        heard: [String],
        answer: Answer,
        before: Answer?,
        confidence: Double? = nil
    ) {
        self.round = round
        self.speaker = speaker
        self.heard = heard
        self.answer = answer
        self.before = before
        self.confidence = confidence
    }

    /// Whether the speaker changed its mind.
    public var isFlip: Bool { before.map { $0 != answer } ?? false }
}

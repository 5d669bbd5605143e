/// A member's turn in a text-level collaboration, as it stands in the trace: who spoke, having heard whom, and what it
/// answered before and after.
///
/// Everything that is measured about communication is a fold over turns: changes of mind, conformity, redundancy.
public struct Turn: Hashable, Sendable, Codable {
    /// A statement of another member as it was put before the speaker.
    public struct Message: Hashable, Sendable, Codable {
        /// Who had made the statement.
        public var author: String
        /// The round in which it was made.
        public var round: Int
        /// What it answers.
        public var answer: Answer
        /// How long it is in tokens, as its author's model counted; a prompt may have shortened it. `nil` if that model
        /// does not count.
        public var tokens: Int?

        /// Makes a message.
        public init(author: String, round: Int, answer: Answer, tokens: Int? = nil) {
            self.author = author
            self.round = round
            self.answer = answer
            self.tokens = tokens
        }
    }

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
    /// The statements that it was shown: of a group of equal answers, the one that stood for them. `nil` if that was not
    /// recorded.
    public var messages: [Message]?
    /// What the answer used; `nil` if that was not recorded.
    public var usage: Usage?
    /// How alike what it said is to what it had said before, from 0 to 1; `nil` if it had not spoken, or if that was not
    /// recorded.
    public var repetition: Double?
    /// `true` if it was no answer to the question but something else: a critique, a plan, a verdict. What it answers is
    /// then ``Answer/unparsed``, and the round is the one that it prepares. `nil` otherwise.
    public var isRemark: Bool?

    /// Makes a turn.
    public init(
        round: Int,
        speaker: String,
        heard: [String],
        answer: Answer,
        before: Answer?,
        confidence: Double? = nil,
        messages: [Message]? = nil,
        usage: Usage? = nil,
        repetition: Double? = nil,
        isRemark: Bool? = nil
    ) {
        self.round = round
        self.speaker = speaker
        self.heard = heard
        self.answer = answer
        self.before = before
        self.confidence = confidence
        self.messages = messages
        self.usage = usage
        self.repetition = repetition
        self.isRemark = isRemark
    }

    /// Whether the speaker changed its mind.
    public var isFlip: Bool { before.map { $0 != answer } ?? false }
}

/// What a member said in a round.
public struct Statement: Sendable {
    /// The member's place in the team.
    public var member: Int
    /// The member's name.
    public var speaker: String
    /// The round; 0 is the opening one.
    public var round: Int
    /// What was said.
    public var response: Response
    /// What it answers.
    public var answer: Answer
    /// How sure the speaker was; `nil` if that could not be measured.
    public var confidence: Double?
    /// The members whose statements the speaker was shown, in declaration order.
    public var heard: [Int]

    /// Makes a statement.
    public init(
        member: Int,
        speaker: String,
        round: Int,
        response: Response,
        answer: Answer,
        confidence: Double? = nil,
        heard: [Int] = []
    ) {
        self.member = member
        self.speaker = speaker
        self.round = round
        self.response = response
        self.answer = answer
        self.confidence = confidence
        self.heard = heard
    }

    /// The text of what was said.
    public var text: String { response.text }
}

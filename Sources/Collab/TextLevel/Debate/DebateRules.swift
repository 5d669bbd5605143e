/// What makes one debate different from another, apart from its members: every rule is a value of its own.
public struct DebateRules: Sendable {
    /// How many rounds follow the opening one at most.
    public var rounds: Int
    /// What kind of answer is expected.
    public var answers: AnswerFormat
    /// When the talk ends before the rounds are used up.
    public var stopping: Stopping
    /// Who hears whom.
    public var topology: Topology
    /// What a member sees of those whom it hears.
    public var visibility: Visibility
    /// In which order members speak.
    public var order: TurnOrder
    /// How the votes become one answer.
    public var aggregation: Aggregation
    /// Which statements are voted on.
    public var ballots: DebateTable.BallotScope
    /// How ties are broken.
    public var ties: TieRule
    /// How many members must answer.
    public var quorum: Quorum
    /// When the stage settles the question.
    public var settling: Settling
    /// How members are asked.
    public var prompts: DebatePrompts
    /// How sure a speaker is of what it says.
    public var confidence: ConfidenceSignal
    /// Standing instructions for each member, in declaration order, again from the first where the team is larger: a
    /// method of reasoning, a persona, a side. Without any, all members are asked alike.
    ///
    /// With roles, drafts of earlier stages are not taken over: they were not written in them.
    public var roles: [String]

    /// Makes rules.
    public init(
        rounds: Int = 2,
        answers: AnswerFormat = .freeText,
        until stopping: Stopping = .unanimity,
        topology: Topology = .complete,
        visibility: Visibility = .grouped,
        order: TurnOrder = .simultaneous,
        aggregation: Aggregation = .plurality,
        ballots: DebateTable.BallotScope = .firstAndLast,
        ties: TieRule = .highestConfidence,
        quorum: Quorum = .majority,
        settling: Settling = .onAgreement,
        prompts: DebatePrompts = .standard,
        confidence: ConfidenceSignal = .meanTokenProbability,
        roles: [String] = []
    ) {
        self.rounds = rounds
        self.answers = answers
        self.stopping = stopping
        self.topology = topology
        self.visibility = visibility
        self.order = order
        self.aggregation = aggregation
        self.ballots = ballots
        self.ties = ties
        self.quorum = quorum
        self.settling = settling
        self.prompts = prompts
        self.confidence = confidence
        self.roles = roles
    }

    /// A request as a member with a role is asked it.
    func instruct(_ request: Request, member: Int) -> Request {
        roles.isEmpty ? request : request.instructed(roles[member % roles.count])
    }

    /// The models that are asked about the answers, without being members.
    var consulted: [any TextModel] {
        stopping.models + (aggregation.arbiter?.models ?? []) + confidence.models
    }

    /// Throws ``CollabError/Code/invalidRequest`` if the rules contradict each other or the size of the team.
    func validate(for count: Int) throws(CollabError) {
        if rounds < 0 {
            throw CollabError(.invalidRequest, "A debate cannot have \(rounds) rounds; give 0 or more.")
        }
        try topology.validate(for: count)
    }
}

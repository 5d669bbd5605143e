/// Members around a table while a ``Procedure`` is held: what is asked, who is there, what has been said.
///
/// ``answers(_:_:)`` asks for answers to the question, which can be voted on and are the best so far if the budget ends;
/// ``remarks(_:_:)`` asks for anything else: critiques, plans, verdicts. Both ask side by side and return what was said in
/// the order of the questions. Each is a node of the trace.
public struct Meeting: Sendable {
    /// What is asked.
    public let request: Request
    /// How answers are read, and what is done about failures and ties.
    public let rules: MeetingRules
    /// The answers so far, round by round.
    public internal(set) var table: DebateTable
    /// The answer that the procedure thinks best so far; without one the vote decides.
    public var leading: Statement?
    var seats: [Seat]
    /// What whoever sits at a place said last, as it stands in a trace once it has been shown to others.
    private var lastWords: [Int: Turn.Message] = [:]
    /// Members whose first statement is a draft of an earlier stage.
    var takenOver: Set<Int> = []
    private let drafts: [Draft]
    private let output: CountingSink

    init(
        of models: [any TextModel],
        copies: Int,
        request: Request,
        rules: MeetingRules,
        drafts: [Draft],
        sink: ResponseSink
    ) {
        var request = request
        if copies > 1, request.options.sampling.temperature == 0 { request.options.sampling = rules.sampling }
        self.request = request
        self.rules = rules
        self.drafts = drafts
        seats = Collab.seats(for: models.flatMap { Array(repeating: $0, count: max(copies, 1)) })
        table = DebateTable(members: seats.map(\.name))
        output = CountingSink(sink)
    }

    /// The members' names, in declaration order; a member that sits there several times has several.
    public var members: [String] { table.members }

    /// What has gone to the reader.
    var written: String { output.text }

    /// Gives a model that is not a member a place behind the members.
    mutating func seat(outsider model: any TextModel) -> Int {
        let namesakes = seats.count { $0.model.name == model.name }
        seats.append(
            Seat(
                index: seats.count,
                name: namesakes == 0 ? model.name : "\(model.name) #\(namesakes + 1)",
                model: model,
                occurrence: namesakes,
                copies: namesakes + 1
            )
        )
        return seats.count - 1
    }

    /// What is known of the model at a place: whoever is asked for a sample of its own has another place.
    public func name(of place: Int) -> String { seats[place].name }

    // MARK: What has been said

    /// The best answer so far: the leading one, else that of the vote over first and latest answers.
    public var best: Statement? { leading ?? spokesman(for: tally(over: .firstAndLast).answer) }

    /// The vote over answers given so far.
    public func tally(over scope: DebateTable.BallotScope = .firstAndLast) -> Tally {
        rules.aggregation.count(table.ballots(scope), ties: rules.ties)
    }

    /// Whether all members who have answered gave the same answer, and it could be read.
    public var isUnanimous: Bool { Stopping.unanimity.verdict(on: table) != nil }

    /// The statement that gives an answer: that of its surest supporter (ties: the one declared first); of an answer that
    /// nobody gives, the surest statement of all.
    public func spokesman(for answer: Answer) -> Statement? {
        guard answer.isParsed else { return Statement.surest(of: table.latest) }
        let supporters = table.latest.filter { $0.answer == answer }
        return Statement.surest(
            of: supporters.isEmpty ? table.statements.filter { $0.answer == answer } : supporters
        )
    }

    /// A text as others are shown it: its end, if it is too long.
    public func excerpt(_ text: String) -> String { text.excerpt(rules.excerptLength) }

    /// The latest answers, as others are shown them; names are left out unless asked for.
    public func exhibits(of statements: [Statement], label: String = "Answer", named: Bool = false)
        -> [Exhibit]
    {
        statements.enumerated().map {
            named
                ? Exhibit("#", excerpt($1.text), of: [$1.speaker])
                : Exhibit("\(label) #", excerpt($1.text), of: ["\($0 + 1)"])
        }
    }

    /// The request with texts shown in front of its question, and what is to be done about them, in the meeting's words
    /// (``MeetingRules/wording``).
    ///
    /// - Parameters:
    ///   - exhibits: what is shown.
    ///   - instruction: what is to be done; each `#` stands for an argument.
    ///   - arguments: what is filled in.
    public func showing(
        _ exhibits: [Exhibit],
        _ instruction: String,
        of arguments: String...
    ) -> Request {
        request.showing(exhibits, instruction, of: arguments, in: rules.wording)
    }

    /// What a reply says to a question that is answered by yes or no first: `true`, `false`, or `nil` if it cannot be read.
    public func consents(_ reply: Response) -> Bool? {
        YesNoReader(rules.wording).verdict(reply.text).map { $0 == "yes" }
    }

    /// What was said here for the first time, as drafts: answers taken over from earlier stages are left out.
    func newDrafts(origin: String) -> [Draft] {
        var first = takenOver
        return table.statements.compactMap { statement in
            first.remove(statement.member) == nil ? Draft(statement, origin: origin) : nil
        }
    }

    /// What a question puts before whoever is asked, as it stands in a trace.
    func messages(in question: Question) -> [Turn.Message] {
        if question.words.isEmpty { return question.heard.compactMap { lastWords[$0] } }
        return question.words.map { place, said in
            Turn.Message(
                author: name(of: place),
                round: lastWords[place]?.round ?? max(table.round, 0),
                answer: .unparsed,
                tokens: said.usage.completionTokens
            )
        }
    }

    /// Keeps what was said last at a place.
    mutating func keep(_ response: Response, of answer: Answer, by place: Int, round: Int) {
        lastWords[place] = Turn.Message(
            author: name(of: place),
            round: round,
            answer: answer,
            tokens: response.usage.completionTokens
        )
    }

    func draft(of member: String) -> Draft? { drafts.last { $0.author == member } }

    /// Where the final answer is written.
    var entrance: ResponseSink { output.entrance }
}

extension Statement {
    /// The statement whose author is surest (unmeasured or ties: the first).
    static func surest(of statements: [Statement]) -> Statement? {
        var best: Statement?
        for statement in statements where best == nil || statement.confidence ?? -1 > best?.confidence ?? -1 {
            best = statement
        }
        return best
    }
}

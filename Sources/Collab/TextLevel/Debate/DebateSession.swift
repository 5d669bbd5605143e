/// A debate while it goes on: asks the members, keeps the table, applies the rules.
struct DebateSession {
    let rules: DebateRules
    let seats: [Seat]
    let request: Request
    private(set) var table: DebateTable
    private(set) var verdict: Stopping.Verdict?
    /// How many turns in a row have failed since somebody answered.
    private var failedTurns = 0
    /// Whether nobody who was asked in the latest round has answered; where one speaks a round, in a lap of the table.
    private var isDeadlocked: Bool {
        failedTurns > 0 && failedTurns >= (rules.order == .alternating ? seats.count : 1)
    }

    init(rules: DebateRules, models: [any TextModel], request: Request) throws(CollabError) {
        try rules.validate(for: models.count)
        self.rules = rules
        self.request = request
        seats = Collab.seats(for: models)
        table = DebateTable(members: seats.map(\.name))
    }

    /// Holds the opening round and as many others as the rules allow. Whatever is thrown, the table keeps what has
    /// been said.
    mutating func hold(reusing drafts: [Draft]) async throws(CollabError) {
        try await round("opening") { (session) async throws(CollabError) in
            try await session.open(reusing: drafts)
        }
        while try await decide() == nil {
            try await round("round \(table.round + 1)") { (session) async throws(CollabError) in
                try await session.exchange()
            }
        }
    }

    /// What is voted on so far: where members agree, what they say now; where the talk was ended without that, the
    /// statements that the rules name.
    private var ballots: [Ballot] { table.ballots(verdict?.isAgreement == true ? .last : rules.ballots) }

    /// The vote on what has been said so far, without asking anybody.
    func tally() -> Tally { rules.aggregation.count(ballots, ties: rules.ties) }

    /// What the debate comes to, once the talk is over: the vote, or where the rule says so what an arbiter decides.
    func outcome() async throws(CollabError) -> DebateOutcome {
        let (tally, response) = try await rules.aggregation.decide(
            ballots,
            on: request,
            ties: rules.ties,
            reading: rules.answers
        )
        return DebateOutcome(of: self, tally: tally, written: response)
    }

    /// What the debate comes to; if the talk or the decision was broken off, by the votes that there are.
    func outcome(after failure: CollabError?) async -> (outcome: DebateOutcome, failure: CollabError?) {
        let counted = DebateOutcome(of: self, tally: tally(), written: nil)
        if let failure { return (counted, failure) }
        do throws(CollabError) { return (try await outcome(), nil) } catch { return (counted, error) }
    }

    /// The statement that gives an answer: that of its surest supporter (ties: the one declared first); without an
    /// answer, the surest of all.
    func spokesman(for answer: Answer) -> Statement? {
        guard answer.isParsed else { return surest }
        let supporters = table.latest.filter { $0.answer == answer }
        // A vote over first and last answers may be won by an answer that nobody holds any more.
        return Statement.surest(
            of: supporters.isEmpty ? table.statements.filter { $0.answer == answer } : supporters
        )
    }

    /// The latest statement whose author is surest (unmeasured or ties: the one declared first).
    var surest: Statement? { Statement.surest(of: table.latest) }

    // MARK: Rounds

    private mutating func round(
        _ name: String,
        _ body: (inout DebateSession) async throws(CollabError) -> Void
    ) async throws(CollabError) {
        var session = self
        defer { self = session }
        session.table.openRound()
        try await Run.stage(name) { () async throws(CollabError) in try await body(&session) }
    }

    /// Takes over drafts of the members themselves, and asks those who have none.
    private mutating func open(reusing drafts: [Draft]) async throws(CollabError) {
        var asked: [(seat: Seat, request: Request, view: DebateView?)] = []
        var reused: [String] = []
        for seat in seats {
            if rules.roles.isEmpty, let draft = drafts.last(where: { $0.author == seat.name }) {
                reused.append(seat.name)
                add(draft.response, by: seat, confidence: draft.confidence, view: nil)
            } else {
                asked.append((seat, rules.prompts.opening(request), nil))
            }
        }
        if !reused.isEmpty { Run.note("taken over", reused.joined(separator: ", ")) }
        try await ask(asked)
    }

    /// Lets everybody who is shown something speak again.
    private mutating func exchange() async throws(CollabError) {
        let order = rules.order.order(of: seats.count, round: table.round)
        if rules.order == .simultaneous {
            let asked = order.compactMap { turn(of: seats[$0]) }
            return try await ask(asked)
        }
        var failures: [CollabError] = []
        var turns = 0
        for member in order {
            guard let turn = turn(of: seats[member]) else { continue }
            turns += 1
            if let failure = try await speak([turn]).first { failures.append(failure) }
        }
        try check(turns - failures.count, of: turns, failures)
    }

    /// A member's turn; `nil` if there is nothing new for it to see.
    private func turn(of seat: Seat) -> (seat: Seat, request: Request, view: DebateView?)? {
        let view = DebateView(
            of: seat.index,
            at: table,
            request: request,
            topology: rules.topology,
            visibility: rules.visibility
        )
        guard !view.others.isEmpty, view.own != nil else { return nil }
        return (seat, rules.prompts.exchange(view), view)
    }

    /// Asks members side by side and checks that enough of them answer.
    private mutating func ask(_ asked: [(seat: Seat, request: Request, view: DebateView?)])
        async throws(CollabError)
    {
        let failures = try await speak(asked)
        // In the opening round, drafts that were taken over count as answers.
        let silent = table.round == 0 ? seats.count - asked.count : 0
        try check(asked.count - failures.count + silent, of: asked.count + silent, failures)
    }

    /// Throws if too few have answered. After the opening everybody has an answer to keep, so others may fail.
    private mutating func check(_ answered: Int, of count: Int, _ failures: [CollabError]) throws(CollabError)
    {
        if table.round == 0 || rules.quorum.isStrict {
            try rules.quorum.check(answered, of: count, failures: failures)
        }
        failedTurns = answered > 0 ? 0 : failedTurns + count
    }

    /// Lets members speak side by side; returns the failures that the quorum may tolerate.
    private mutating func speak(
        _ asked: [(seat: Seat, request: Request, view: DebateView?)]
    ) async throws(CollabError) -> [CollabError] {
        let interview = Interview(
            confidence: rules.confidence,
            patience: rules.quorum.patience,
            endsAtFirst: rules.quorum.endsAtFirst
        )
        let outcomes = await interview.hold(
            asked.map { ($0.seat, rules.instruct($0.request, member: $0.seat.index)) }
        )
        var failures: [CollabError] = []
        var fatal: CollabError?
        for (turn, outcome) in zip(asked, outcomes) {
            switch outcome {
            case .success(let reply):
                add(reply.response, by: turn.seat, confidence: reply.confidence, view: turn.view)
                fatal = fatal ?? reply.exhaustion
            case .failure(let error) where !error.isSurvivable:
                fatal = fatal ?? error
            case .failure(let error):
                Run.note("failed", "\(turn.seat.name): \(error.code)")
                failures.append(error.within(turn.seat.name))
            }
        }
        if let fatal { throw fatal }
        return failures
    }

    private mutating func add(_ response: Response, by seat: Seat, confidence: Double?, view: DebateView?) {
        let before = table.latest(of: seat.index)
        let heard = view?.heard ?? []
        let statement = Statement(
            member: seat.index,
            speaker: seat.name,
            round: table.round,
            response: response,
            answer: rules.answers.answer(in: response.text),
            confidence: confidence,
            heard: heard
        )
        table.add(statement)
        Run.record(
            Turn(
                round: statement.round,
                speaker: seat.name,
                heard: heard.map { seats[$0].name },
                answer: statement.answer,
                before: before?.answer,
                confidence: confidence,
                messages: view?.messages ?? [],
                usage: response.usage,
                repetition: before.map { WordGroups.similarity($0.text, response.text) }
            )
        )
    }

    /// Applies the stopping rules after a round.
    private mutating func decide() async throws(CollabError) -> Stopping.Verdict? {
        if let fired = try await rules.stopping.verdict(on: table, of: request) {
            verdict = fired
        } else if isDeadlocked {
            verdict = Stopping.Verdict(rule: "nobody answered", isAgreement: false)
        } else if table.round >= rules.rounds {
            verdict = Stopping.rounds(rules.rounds).verdict(on: table)
        } else if !seats.contains(where: { turn(of: $0) != nil }) {
            // One member alone, or one that hears nobody else.
            verdict = Stopping.Verdict(rule: "nothing new to say", isAgreement: false)
        }
        return verdict
    }
}

extension Meeting {
    /// What one member is asked.
    public struct Question: Sendable {
        /// The member's place, in declaration order; offices held from outside the team come behind.
        public var place: Int
        /// The request.
        public var request: Request
        /// The members whose words are in the request.
        public var heard: [Int]
        /// Their words, by which what is exchanged is measured; empty: what each of them said last.
        public var words: [(place: Int, said: Response)]

        /// Makes a question.
        public init(
            to place: Int,
            _ request: Request,
            hearing heard: [Int] = [],
            words: [(place: Int, said: Response)] = []
        ) {
            self.place = place
            self.request = request
            self.heard = heard
            self.words = words
        }
    }

    // MARK: Answers

    /// Asks members, by default all, the request as it is, side by side; drafts that they have given in earlier stages
    /// are taken over instead.
    ///
    /// Throws the first failure if too few answer.
    @discardableResult
    public mutating func open(_ places: [Int]? = nil) async throws(CollabError) -> [Statement?] {
        let asked = (places ?? Array(members.indices)).map { Question(to: $0, request) }
        return try await gather("opening", asked, takingOver: true)
    }

    /// Lets one member answer the request as it is; its failure is thrown.
    @discardableResult
    public mutating func open(with place: Int) async throws(CollabError) -> Statement {
        let question = Question(to: place, request)
        let said = try await gather("opening", [question], takingOver: true, isEssential: true)[0]
        guard let said else { throw .cancelled }
        return said
    }

    /// Asks members for answers side by side; a member who fails has none.
    ///
    /// Throws the first failure if fewer answer than the quorum asks for, where nobody has answered before; later on a
    /// member that fails keeps the answer that it has, unless everybody must answer.
    @discardableResult
    public mutating func answers(_ name: String, _ questions: [Question]) async throws(CollabError)
        -> [Statement?]
    {
        try await gather(name, questions, takingOver: false)
    }

    /// Asks one member for an answer; `nil` if it fails, where it or another has answered before.
    @discardableResult
    public mutating func answer(_ name: String, _ question: Question) async throws(CollabError) -> Statement?
    {
        try await answers(name, [question])[0]
    }

    private mutating func gather(
        _ name: String,
        _ questions: [Question],
        takingOver: Bool,
        isEssential: Bool = false
    ) async throws(CollabError) -> [Statement?] {
        var meeting = self
        defer { self = meeting }
        var said = [Statement?](repeating: nil, count: questions.count)
        let isFirst = meeting.table.statements.isEmpty
        meeting.table.openRound()
        try await Run.stage(name) { () async throws(CollabError) in
            var asked: [Int] = []
            var reused: [String] = []
            // What is said in this round is heard in the next.
            let shown = questions.map { meeting.messages(in: $0) }
            for (index, question) in questions.enumerated() {
                if takingOver, let draft = meeting.draft(of: meeting.name(of: question.place)) {
                    reused.append(draft.author)
                    meeting.takenOver.insert(question.place)
                    let reply = Interview.Reply(response: draft.response, confidence: draft.confidence)
                    said[index] = meeting.add(reply, to: question, showing: shown[index])
                } else {
                    asked.append(index)
                }
            }
            if !reused.isEmpty { Run.note("taken over", reused.joined(separator: ", ")) }
            let outcomes = await meeting.put(asked.map { questions[$0] }, endsAtFirst: true)
            var failures: [CollabError] = []
            var fatal: CollabError?
            for (index, outcome) in zip(asked, outcomes) {
                switch outcome {
                case .success(let reply):
                    said[index] = meeting.add(reply, to: questions[index], showing: shown[index])
                case .failure(let error) where !error.isSurvivable: fatal = fatal ?? error
                case .failure(let error):
                    let member = meeting.name(of: questions[index].place)
                    Run.note("failed", "\(member): \(error.code)")
                    failures.append(error.within(member))
                }
            }
            if let fatal { throw fatal }
            if isFirst || isEssential || meeting.rules.quorum.isStrict {
                let answered = said.count { $0 != nil }
                try meeting.rules.quorum.check(answered, of: questions.count, failures: failures)
            }
        }
        return said
    }

    // MARK: Remarks

    /// Asks members for something other than an answer, side by side; a member who fails has said nothing.
    ///
    /// Throws only if the task was cancelled or the budget is used up.
    @discardableResult
    public mutating func remarks(_ name: String, _ questions: [Question]) async throws(CollabError)
        -> [Response?]
    {
        var meeting = self
        defer { self = meeting }
        var said = [Response?](repeating: nil, count: questions.count)
        try await Run.stage(name) { () async throws(CollabError) in
            let shown = questions.map { meeting.messages(in: $0) }
            let outcomes = await meeting.put(questions)
            var fatal: CollabError?
            for (index, outcome) in outcomes.enumerated() {
                switch outcome {
                case .success(let reply):
                    said[index] = reply.response
                    meeting.note(reply.response, on: questions[index], showing: shown[index])
                case .failure(let error) where !error.isSurvivable: fatal = fatal ?? error
                case .failure(let error):
                    Run.note("failed", "\(meeting.name(of: questions[index].place)): \(error.code)")
                }
            }
            if let fatal { throw fatal }
        }
        return said
    }

    /// Asks one member for something other than an answer, without which nothing comes about: its failure is thrown.
    public mutating func remark(_ name: String, _ question: Question) async throws(CollabError) -> Response {
        var meeting = self
        defer { self = meeting }
        var said: Response?
        try await Run.stage(name) { () async throws(CollabError) in
            let shown = meeting.messages(in: question)
            switch await meeting.put([question])[0] {
            case .success(let reply):
                said = reply.response
                meeting.note(reply.response, on: question, showing: shown)
            case .failure(let error): throw error.within(meeting.name(of: question.place))
            }
        }
        guard let said else { throw .cancelled }
        return said
    }

    /// Lets somebody write the final answer, which is handed on while it is written; a failure is thrown.
    ///
    /// The answer is read, but not added to those that are voted on.
    public mutating func write(_ name: String, _ question: Question) async throws(CollabError) -> Conclusion {
        let seat = seats[question.place]
        var meeting = self
        defer { self = meeting }
        var written: Response?
        try await Run.stage(name) { () async throws(CollabError) in
            let shown = meeting.messages(in: question)
            let response: Response
            do throws(CollabError) {
                response = try await seat.model.respond(
                    to: seat.addressed(question.request),
                    into: meeting.entrance
                )
            } catch { throw error.within(seat.name) }
            meeting.note(response, on: question, showing: shown)
            written = response
        }
        guard let written else { throw .cancelled }
        var conclusion = Conclusion(written)
        conclusion.answer = rules.answers.answer(in: written.text)
        conclusion.isStreamed = true
        return conclusion
    }

    /// How sure the author of a statement is, by a signal that may ask it again; `nil` if that cannot be measured.
    ///
    /// Throws only if the task was cancelled or the budget is used up.
    public func confidence(
        in statement: Statement,
        by signal: ConfidenceSignal
    ) async throws(CollabError) -> Double? {
        var value: Double?
        let (request, model) = (seats[statement.member].addressed(request), seats[statement.member].model)
        try await Run.stage("confidence") { () async throws(CollabError) in
            do throws(CollabError) {
                value = try await signal.measure(
                    ConfidenceSignal.Evidence(request: request, response: statement.response, model: model)
                )
            } catch {
                guard error.isSurvivable else { throw error }
                Run.note("confidence", "not measured for \(statement.speaker): \(error.code)")
            }
        }
        return value
    }

    /// Holds a debate among the members, who take over what they have said; its table becomes the meeting's.
    ///
    /// Returns which rule ended it; `nil` without one. What was said before a failure is kept.
    @discardableResult
    public mutating func debate(_ rules: DebateRules) async throws(CollabError) -> Stopping.Verdict? {
        let said = table.latest.map { Draft($0, origin: "") }
        let models = members.indices.map { seats[$0].model }
        var session = try DebateSession(rules: rules, models: models, request: request)
        var known = said
        for (place, name) in members.enumerated() where !said.contains(where: { $0.author == name }) {
            guard rules.roles.isEmpty, let draft = draft(of: name) else { continue }
            takenOver.insert(place)
            known.append(draft)
        }
        defer {
            table = session.table
            for statement in table.latest {
                keep(
                    statement.response,
                    of: statement.answer,
                    by: statement.member,
                    round: statement.round
                )
            }
        }
        try await session.hold(reusing: known)
        return session.verdict
    }

    // MARK: Asking

    /// - Parameter endsAtFirst: whether the first answer is enough, where the quorum says so; remarks are all waited for.
    private func put(
        _ questions: [Question],
        endsAtFirst: Bool = false
    ) async -> [Result<Interview.Reply, CollabError>] {
        let interview = Interview(
            confidence: .meanTokenProbability,
            patience: rules.quorum.patience,
            endsAtFirst: endsAtFirst && rules.quorum.endsAtFirst
        )
        return await interview.hold(questions.map { (seats[$0.place], $0.request) })
    }

    /// Records something other than an answer.
    private mutating func note(
        _ response: Response,
        on question: Question,
        showing messages: [Turn.Message]
    ) {
        let round = table.round + 1
        keep(response, of: .unparsed, by: question.place, round: round)
        Run.record(
            Turn(
                round: round,
                speaker: seats[question.place].name,
                heard: question.heard.map { seats[$0].name },
                answer: .unparsed,
                before: nil,
                messages: messages,
                usage: response.usage,
                isRemark: true
            )
        )
    }

    private mutating func add(
        _ reply: Interview.Reply,
        to question: Question,
        showing messages: [Turn.Message]
    ) -> Statement {
        let seat = seats[question.place]
        let isMember = members.indices.contains(question.place)
        let before = isMember ? table.latest(of: question.place) : nil
        let statement = Statement(
            member: question.place,
            speaker: seat.name,
            round: table.round,
            response: reply.response,
            answer: rules.answers.answer(in: reply.response.text),
            confidence: reply.confidence,
            heard: question.heard
        )
        if isMember { table.add(statement) }
        keep(reply.response, of: statement.answer, by: question.place, round: table.round)
        Run.record(
            Turn(
                round: statement.round,
                speaker: seat.name,
                heard: question.heard.map { seats[$0].name },
                answer: statement.answer,
                before: before?.answer,
                confidence: statement.confidence,
                messages: messages,
                usage: reply.response.usage,
                repetition: before.map { WordGroups.similarity($0.text, statement.text) }
            )
        )
        return statement
    }
}

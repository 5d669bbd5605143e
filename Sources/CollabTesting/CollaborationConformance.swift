public import Collab

/// Checks what every collaboration of text models has to promise, for authors of protocols.
///
/// Scripted members mark everything that they say, so that the requests themselves show who has heard whom. The protocol
/// is run once as it is, then with the budget ending at every call, with cancellation at every call, with every member
/// failing, and with answers that cannot be read.
///
/// ```swift
/// let suite = CollaborationConformance(
///     "two-step vote", calls: 6, hearing: ["ada1 ← bob0 cyd0", "bob1 ← ada0 cyd0", "cyd1 ← ada0 bob0"]
/// ) { call in "\(call.member)" } of: { members in myProtocol(members) }
/// #expect(await suite.violations().isEmpty)
/// ```
public struct CollaborationConformance: Sendable, CustomStringConvertible {
    /// A call that a scripted member receives.
    public struct Call: Sendable {
        /// The member's place.
        public var member: Int
        /// What it is asked.
        public var request: Request
        /// How many calls came before, of all members.
        public var number: Int
        /// How many earlier answers the request shows.
        public var heard: Int

        /// What it is asked last.
        public var question: String { request.question }
    }

    /// A promise that was not kept.
    public struct Violation: Sendable, CustomStringConvertible {
        /// The promise.
        public var promise: String
        /// What happened instead.
        public var observation: String
        /// Both in one line.
        public var description: String { "\(promise): \(observation)" }
    }

    /// What is checked.
    public let description: String
    /// The names of the members that are there; in this order they are given to the protocol.
    public let members: [String]
    /// What is asked.
    public var request: Request
    /// How many calls the run makes, in closed form.
    public var calls: Int
    /// Who hears whom: one line for each call that shows an earlier answer, as `ada1 ← ada0 bob0`; the first call of
    /// ada is `ada0`. `nil`: not checked.
    public var hearing: [String]?
    /// What the final answer contains; `nil`: not checked.
    public var answer: String?
    /// Members without whom nothing comes about; all others may fail.
    public var essential: Set<Int>
    /// After how many calls a run that is out of budget has an answer to give.
    public var answersAfter: Int
    /// Whether answers are read, so that one that cannot be read must not win.
    public var readsAnswers: Bool
    private let saying: @Sendable (Call) -> String
    private let collaboration: @Sendable ([any TextModel]) -> any TextModel

    /// Names for members.
    public static let names = ["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"]

    /// Makes a suite.
    ///
    /// - Parameters:
    ///   - description: what is checked.
    ///   - members: how many members there are, at most eight.
    ///   - request: what is asked.
    ///   - calls: how many calls the run makes.
    ///   - hearing: who hears whom.
    ///   - answer: what the final answer contains.
    ///   - essential: members without whom nothing comes about.
    ///   - answersAfter: after how many calls there is an answer to fall back on.
    ///   - readsAnswers: whether answers are read, so that one that cannot be read must not win.
    ///   - saying: what a member says; it has to depend on the member and the request alone.
    ///   - collaboration: makes what is checked, from the members.
    public init(
        _ description: String,
        members: Int = 3,
        asking request: Request = "How many are there?",
        calls: Int,
        hearing: [String]? = nil,
        answer: String? = nil,
        essential: Set<Int> = [],
        answersAfter: Int = 1,
        readsAnswers: Bool = true,
        saying: @escaping @Sendable (Call) -> String,
        of collaboration: @escaping @Sendable ([any TextModel]) -> any TextModel
    ) {
        self.description = description
        self.members = Array(Self.names.prefix(members))
        self.request = request
        self.calls = calls
        self.hearing = hearing
        self.answer = answer
        self.essential = essential
        self.answersAfter = answersAfter
        self.readsAnswers = readsAnswers
        self.saying = saying
        self.collaboration = collaboration
    }

    /// Runs every check, one after the other.
    public func violations() async -> [Violation] {
        var found = await asItIs()
        if !found.isEmpty { return found }
        found += await repeats()
        found += await declarationOrder()
        found += await budgets()
        found += await cancellations()
        found += await failingMembers()
        found += await failingCalls()
        found += await unreadableAnswers()
        return found
    }

    /// The run as it is makes exactly the calls, shows exactly what it should, and streams what it answers.
    public func asItIs() async -> [Violation] {
        let (table, outcome, sent) = await hold()
        guard case .success(let response) = outcome else {
            return violated("the run gives an answer", "\(outcome)")
        }
        var found: [Violation] = []
        if table.received != calls {
            found += violated("the run makes \(calls) calls", "it made \(table.received)")
        }
        if response.usage.calls != table.received {
            found += violated(
                "usage counts the calls",
                "it says \(response.usage.calls) of \(table.received)"
            )
        }
        if let bounded = collaboration(table.members) as? any BoundedCollaboration,
            !bounded.callRange.contains(table.received)
        {
            found += violated("the calls are forecast", "\(table.received) are not in \(bounded.callRange)")
        }
        if let hearing {
            let heard = table.transcript.filter { $0.contains("←") }
            if heard != hearing { found += violated("everybody hears whom it should", "\(heard)") }
        }
        if let answer, !response.text.contains(answer) {
            found += violated("the answer contains “\(answer)”", "it is “\(response.text)”")
        }
        if sent != response.text {
            found += violated("the pieces sent are the text", "“\(sent)”, not “\(response.text)”")
        }
        let marks = Set(table.records.map(\.mark))
        if marks.count != table.records.count {
            found += violated("no member is asked the same sample twice", "\(table.transcript)")
        }
        return found
    }

    /// The same seed gives the same run.
    public func repeats() async -> [Violation] {
        let (first, second) = (await hold(seed: 7), await hold(seed: 7))
        if first.table.transcript == second.table.transcript, text(first.outcome) == text(second.outcome) {
            return []
        }
        return violated("the same seed gives the same run", "\(second.table.transcript)")
    }

    /// Whoever is slower, the run is the same.
    public func declarationOrder() async -> [Violation] {
        let plain = await hold(seed: 7)
        let count = members.count
        let slow = await hold(
            seed: 7,
            before: { (call) async throws(CollabError) in
                for _ in 0..<(count - call.member) * 10 { await Task.yield() }
            }
        )
        if plain.table.transcript == slow.table.transcript, text(plain.outcome) == text(slow.outcome) {
            return []
        }
        return violated("whoever is slower, the run is the same", "\(slow.table.transcript)")
    }

    // MARK: Holding runs

    func violated(_ promise: String, _ observation: String) -> [Violation] {
        [Violation(promise: promise, observation: observation)]
    }

    func text(_ outcome: Result<Response, CollabError>) -> String? { try? outcome.get().text }

    /// Holds one run; `before` is called before a member answers, `instead` replaces what it says.
    func hold(
        seed: UInt64 = 0,
        budget: Budget = .unlimited,
        instead: (@Sendable (Call) -> String?)? = nil,
        before: (@Sendable (Call) async throws(CollabError) -> Void)? = nil
    ) async -> (table: ScriptedTable, outcome: Result<Response, CollabError>, sent: String) {
        let saying = saying
        let table = ScriptedTable(names: members) { (call) async throws(CollabError) in
            try await before?(call)
            return instead?(call) ?? saying(call)
        }
        let sent = Protected("")
        let sink = ResponseSink { piece in sent.withLock { $0 += piece } }
        let outcome: Result<Response, CollabError>
        do throws(CollabError) {
            let model = collaboration(table.members)
            let run = Run(budget: budget, seed: seed)
            outcome = .success(try await respond(model, sink, run))
        } catch { outcome = .failure(error) }
        return (table, outcome, sent.withLock { $0 })
    }

    private func respond(
        _ model: some TextModel,
        _ sink: ResponseSink,
        _ run: Run
    ) async throws(CollabError) -> Response {
        try await model.respond(to: request, into: sink, in: run)
    }
}

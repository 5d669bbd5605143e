/// The frame of every call: budget, seed, trace and events.
///
/// A run travels with the task (as a task-local value), so nested models need no plumbing. Without an explicit one,
/// the outermost call starts its own.
///
/// ```swift
/// let run = Run(budget: .calls(10), seed: 7)
/// let answer = try await team.respond(to: "…", in: run)
/// print(run.usage.totalTokens)
/// ```
public final class Run: Sendable {
    struct State {
        var ledger: Ledger
        var recorder = TraceRecorder()
        var listeners: [(id: Int, receive: @Sendable (RunEvent) -> Void)] = []
        var nextListener = 0
        var draws: [Int: UInt64] = [:]
    }

    /// Where in which run the current task is.
    struct Context: Sendable {
        var run: Run
        var node: Int?
        var allowance: Allowance?
        /// Whether a modifier around the current call books it at a price of its own.
        var isPriced = false
    }

    /// What is left of the budget's tokens for the answer of the current call.
    struct Allowance: Sendable {
        var tokens: Int
        /// The limit that was asked for, before the budget's came into force.
        var asked: Int?
        /// Whether no limit was asked for, so that the request's is the budget's.
        var isOnlyLimit: Bool { asked == nil }
    }

    @TaskLocal static var context: Context?

    /// What the run may consume.
    public let budget: Budget
    /// The seed from which all randomness of the run is derived.
    public let seed: UInt64

    private let clock: any RunClock
    private let began: Duration
    private let state: Protected<State>

    /// Starts a run.
    ///
    /// - Parameters:
    ///   - budget: what it may consume.
    ///   - seed: two runs with the same seed, models and requests make the same random choices.
    ///   - clock: what tells the time; tests put a virtual clock here.
    public init(
        budget: Budget = .unlimited,
        seed: UInt64 = 0,
        clock: any RunClock = SystemRunClock()
    ) {
        self.budget = budget
        self.seed = seed
        self.clock = clock
        began = clock.now
        state = Protected(State(ledger: Ledger(budget: budget)))
    }

    /// The run that the current task belongs to, if any.
    public static var current: Run? { context?.run }

    /// Time since the run began.
    public var elapsed: Duration { clock.now - began }

    /// What all calls have used so far.
    public var usage: Usage { state.withLock { $0.ledger.used } }

    /// What has happened so far, under the first call of the run; `nil` before it.
    ///
    /// Of a run that is used for several calls, each answer carries the trace of its own call.
    public var trace: Trace? { trace(from: 0) }

    func trace(from node: Int) -> Trace? {
        state.withLock { state in
            guard state.recorder.nodes.indices.contains(node) else { return nil }
            let root = state.recorder.tree(from: node).withoutQuotedKeys
            return Trace(root: root, seed: seed, usage: state.ledger.used)
        }
    }

    /// A run for a part of the current call that is no call of the current run: with its clock and seed, and what is left
    /// of its time.
    package static func aside() -> Run {
        guard let run = current else { return Run() }
        let left = run.deadline.map { max(.zero, $0 - run.elapsed) }
        return Run(budget: left.map { .duration($0) } ?? .unlimited, seed: run.seed, clock: run.clock)
    }

    /// Waits on the clock of the current run, or on the system's outside any run.
    public static func sleep(for duration: Duration) async throws(CollabError) {
        try await (context?.run.clock ?? SystemRunClock()).sleep(for: duration)
    }

    /// What the clock of the current run shows, or the system's outside any run.
    package static var now: Duration { (context?.run.clock ?? SystemRunClock()).now }

    /// The time at which the budget ends, since the run began.
    public var deadline: Duration? { budget.duration }
}

// MARK: Events

extension Run {
    /// Calls a closure for every event from now on, in order; the closure must be quick.
    package func listen(_ receive: @escaping @Sendable (RunEvent) -> Void) -> Int {
        state.withLock { state in
            state.nextListener += 1
            state.listeners.append((state.nextListener, receive))
            return state.nextListener
        }
    }

    package func stopListening(_ listener: Int) {
        state.withLock { $0.listeners.removeAll { $0.id == listener } }
    }

    /// Everything that happens from now on, live, until the consumer leaves.
    ///
    /// The run never waits for the reader: of one that lags far behind, the oldest events are dropped, and counted.
    public var events: RunEvents { RunEvents(of: self) }

    /// A node of the trace as it stands, without those beneath it.
    package func node(_ id: Int) -> TraceNode? {
        state.withLock { $0.recorder.nodes.indices.contains(id) ? $0.recorder.nodes[id] : nil }?
            .withoutQuotedKeys
    }

    private func emit(_ kind: RunEvent.Kind, node: Int, parent: Int?) {
        let listeners = state.withLock { $0.listeners }
        if listeners.isEmpty { return }
        let (time, kind) = (elapsed, kind.withoutQuotedKeys)
        for listener in listeners {
            listener.receive(RunEvent(node: node, parent: parent, time: time, kind: kind))
        }
    }
}

// MARK: Nodes

extension Run {
    /// Runs a piece of work as a node of the trace.
    func withNode<Result: Sendable>(
        _ kind: TraceNode.Kind,
        name: String,
        request: Request?,
        parent: Int?,
        _ body: (Int) async throws(CollabError) -> Result
    ) async throws(CollabError) -> Result {
        let start = elapsed
        let node = state.withLock {
            $0.recorder.begin(kind, name: name, request: request, parent: parent, at: start)
        }
        emit(.started(kind, name: name), node: node, parent: parent)
        let outcome = await Run.$context.withValue(Context(run: self, node: node)) {
            () async -> Swift.Result<Result, CollabError> in
            do throws(CollabError) { return .success(try await body(node)) } catch { return .failure(error) }
        }
        let end = elapsed
        switch outcome {
        case .success:
            let usage = state.withLock { state -> Usage? in
                state.recorder.update(node) { $0.duration = end - start }
                return state.listeners.isEmpty ? nil : state.recorder.usage(under: node)
            }
            if let usage { emit(.finished(usage), node: node, parent: parent) }
        case .failure(var error):
            if let redactor = QuotedKeys.redactor { error.message = redactor.scrub(error.message) }
            state.withLock { [error] state in
                state.recorder.update(node) {
                    $0.duration = end - start
                    $0.failure = "\(error.code): \(error.message)"
                }
            }
            emit(.failed(error.code, message: error.message), node: node, parent: parent)
            throw error
        }
        return try outcome.get()
    }

    func update(_ node: Int, _ change: (inout TraceNode) -> Void) {
        state.withLock { $0.recorder.update(node, change) }
    }

    /// Records a decision at the current place of the trace.
    public static func record(_ decision: Decision) {
        guard let context, let node = context.node else { return }
        context.run.update(node) { $0.decisions.append(decision) }
        context.run.emit(.decided(decision), node: node, parent: nil)
    }

    /// Records a fact at the current place of the trace.
    public static func note(_ key: String, _ value: some CustomStringConvertible) {
        guard let context, let node = context.node else { return }
        let note = TraceNode.Note(key: key, value: value.description)
        context.run.update(node) { $0.notes.append(note) }
        context.run.emit(.noted(key: key, value: note.value), node: node, parent: nil)
    }

    /// Records a member's turn at the current place of the trace.
    public static func record(_ turn: Turn) {
        guard let context, let node = context.node else { return }
        context.run.update(node) { $0.turns.append(turn) }
        context.run.emit(.spoke(turn), node: node, parent: nil)
    }

    /// Notes how sure the author of the current node's text was.
    static func record(confidence: Double?, of node: Int? = nil) {
        guard let context, let node = node ?? context.node else { return }
        context.run.update(node) { $0.confidence = confidence }
    }

    /// A seed for the current place of the trace: equal in runs with equal seeds, different at every draw.
    ///
    /// It depends on the run's seed, a label and how often the label was drawn, not on timing; draw before starting
    /// parallel work.
    public func drawSeed(_ label: String) -> UInt64 {
        let key = label.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let count = state.withLock { state in
            let slot = Int(truncatingIfNeeded: key)
            defer { state.draws[slot, default: 0] += 1 }
            return state.draws[slot, default: 0]
        }
        var generator = SeededGenerator(seed: seed ^ key &+ count &* 0x9e37_79b9_7f4a_7c15)
        return generator.next()
    }
}

// MARK: Calls

extension Run {
    /// Makes a call within a run: admits it, traces it, books it.
    static func call(
        _ model: some TextModel,
        _ request: Request,
        sink: ResponseSink,
        run explicit: Run?
    ) async throws(CollabError) -> Response {
        try request.validate()
        let outer = context
        let run = explicit ?? outer?.run ?? Run()
        let isOutermost = outer?.run !== run
        let parent = isOutermost ? nil : outer?.node
        let isCollaboration = model is any Collaboration
        var own = 0
        var response = try await run.withNode(
            isCollaboration ? .collaboration : .call,
            name: model.name,
            request: request,
            parent: parent
        ) { (node) async throws(CollabError) -> Response in
            own = node
            try checkCancellation()
            var response: Response
            if isCollaboration {
                response = try await model.generate(request, into: sink)
                response.usage = run.usage(under: node)
            } else {
                response = try await run.admittedCall(model, request, sink: sink, node: node)
            }
            let (text, usage) = (response.text, response.usage)
            run.update(node) {
                $0.text = text
                $0.usage = usage
            }
            return response
        }
        if isOutermost { response.trace = run.trace(from: own) }
        return response
    }

    /// The sum of the calls under a node.
    private func usage(under node: Int) -> Usage {
        state.withLock { $0.recorder.usage(under: node) }
    }

    /// Traces an answer that was already there: a call that asked nobody, used nothing, and counts as none.
    package static func recall(
        _ name: String,
        _ request: Request,
        from source: String,
        _ find: () async throws(CollabError) -> Response
    ) async throws(CollabError) -> Response {
        let (run, parent) = (context?.run ?? Run(), context?.node)
        return try await run.withNode(.call, name: name, request: request, parent: parent) {
            (node) async throws(CollabError) -> Response in
            note("answer", source)
            let response = try await find()
            run.update(node) {
                $0.text = response.text
                $0.billing = .cached
            }
            return response
        }
    }

    /// A request with the limit of tokens that was asked for, in the place of what the run's budget has left.
    ///
    /// It is by this that recorded calls are found again: how much of a budget is left depends on everything that was
    /// called before.
    package static func asked(_ request: Request) -> Request {
        guard let allowance = context?.allowance, request.options.maximumTokens == allowance.tokens else {
            return request
        }
        var request = request
        request.options.maximumTokens = allowance.asked
        return request
    }

    /// Runs a closure with a change to the current call's context.
    static func adjusting(
        _ change: (inout Context) -> Void,
        _ body: () async throws(CollabError) -> Response
    ) async throws(CollabError) -> Response {
        guard var changed = context else { return try await body() }
        change(&changed)
        return try await $context.withValue(changed) {
            () async -> Swift.Result<Response, CollabError> in
            do throws(CollabError) { return .success(try await body()) } catch { return .failure(error) }
        }.get()
    }

    /// Throws ``CollabError/Code/invalidRequest`` if the run has a budget of money that a call without a known price
    /// would escape.
    package static func checkPrice(of model: String) throws(CollabError) {
        guard let context, context.run.budget.cost != nil, !context.isPriced,
            !context.run.budget.allowsUnpricedCalls
        else { return }
        throw CollabError(
            .invalidRequest,
            "The run has a budget of money, and what \(model) costs is not known. Give it a price, or set the budget's "
                + "allowsUnpricedCalls."
        )
    }

    private func admittedCall(
        _ model: some TextModel,
        _ request: Request,
        sink: ResponseSink,
        node: Int
    ) async throws(CollabError) -> Response {
        var request = request
        let asked = request.options.maximumTokens
        let time = elapsed
        let admission = try state.withLock { (state) throws(CollabError) in
            try state.ledger.admit(maximumTokens: asked, elapsed: time)
        }
        var context = Context(run: self, node: node, isPriced: Run.context?.isPriced ?? false)
        if let cap = admission.tokenCap {
            request.options.maximumTokens = cap
            context.allowance = Allowance(tokens: cap, asked: asked)
        }
        let capped = request
        let announcing = ResponseSink { [self] text in
            emit(.text(text), node: node, parent: nil)
            await sink.send(text)
        }
        do throws(CollabError) {
            var response = try await Run.$context.withValue(context) {
                () async -> Swift.Result<Response, CollabError> in
                do throws(CollabError) {
                    return .success(try await model.generate(capped, into: announcing))
                } catch {
                    return .failure(error)
                }
            }.get()
            response.usage.calls = 1
            if response.ending == .tokenLimit, let cap = admission.tokenCap, cap < (asked ?? .max),
                response.usage.completionTokens >= cap
            {
                response.ending = .budgetExhausted
            }
            let (usage, ending) = (response.usage, response.ending)
            state.withLock { $0.ledger.settle(admission, usage: usage) }
            update(node) {
                $0.billing = .billed
                $0.ending = ending
            }
            return response
        } catch {
            book(error, admission, node: node)
            throw error
        }
    }

    /// Books a failed call: it counts as a call, in the trace as in the budget, and what it may have used is used.
    func book(_ error: CollabError, _ admission: Ledger.Admission, node: Int, spent: Usage = Usage()) {
        let traits = error.traits
        var used = (traits.isPossiblyBilled ? traits.usage : Usage()) + spent
        used.calls = 1
        let usage = used
        state.withLock { $0.ledger.settle(admission, usage: usage) }
        update(node) {
            $0.usage = usage
            $0.billing = traits.isPossiblyBilled ? .possiblyBilled : spent == Usage() ? .notBilled : .billed
            $0.requestID = traits.requestID
        }
    }

    /// Asks the ledger for room for a measurement.
    func admit(maximumTokens: Int) throws(CollabError) -> Ledger.Admission {
        let time = elapsed
        return try state.withLock { (state) throws(CollabError) in
            try state.ledger.admit(maximumTokens: maximumTokens, elapsed: time)
        }
    }

    /// Books one call that was a measurement.
    func settle(_ admission: Ledger.Admission, usage: Usage, node: Int, text: String) {
        var usage = usage
        usage.calls = 1
        let booked = usage
        state.withLock { $0.ledger.settle(admission, usage: booked) }
        update(node) {
            $0.text = text
            $0.usage = booked
            $0.billing = .billed
        }
    }
}

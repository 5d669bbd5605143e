/// Makes a call a second time if the first is slow to begin, and takes the answer that begins first.
///
/// The loser is cancelled at once. Both are calls of their own in trace and ledger, so it costs money: only a small
/// share of the calls is hedged (Dean and Barroso 2013, “The Tail at Scale”). Once a part of the answer has been handed
/// out nothing is hedged.
public struct HedgedModel: Collaboration {
    /// The model that is asked first.
    public let base: any TextModel
    /// The model that is asked second.
    public let spare: any TextModel
    /// When.
    public let hedge: Hedge
    private let budget: RetryBudget
    private let latencies = Protected(LatencyWindow())

    /// The base's name.
    public var name: String { base.name }
    /// What the base and the spare have in common.
    public var profile: ModelProfile { ModelProfile(of: [base, spare]) }

    init(base: any TextModel, spare: any TextModel, hedge: Hedge) {
        self.base = base
        self.spare = spare
        self.hedge = hedge
        budget = RetryBudget(share: hedge.share, perSecond: 0, capacity: 1)
    }

    private var delay: Duration? {
        switch hedge.delay {
        case .fixed(let delay): delay
        case .percentile(let share): latencies.withLock { $0.percentile(share) }
        }
    }

    /// Asks the base, and the other model too if the base is slow to begin.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        guard (0...1).contains(hedge.share) else {
            throw CollabError(.invalidRequest, "A share of \(hedge.share) of the calls cannot be hedged.")
        }
        budget.deposit()
        let race = HedgeRace(sink: sink, start: Run.now)
        guard let delay else {
            // Too few calls have been seen to know what slow is.
            let response = try await base.respond(to: request, into: race.entrance(of: 0))
            observe(race, isAnswered: true)
            return response
        }
        let outcome = await run(race, request, delay)
        if case .success = outcome {
            observe(race, isAnswered: true)
        } else {
            observe(race, isAnswered: false)
        }
        return try outcome.get()
    }

    /// Remembers how long the first call took until it began.
    ///
    /// One that lost had not begun yet, and took this long at least. One that failed says nothing: failing at once is not
    /// being fast.
    private func observe(_ race: HedgeRace, isAnswered: Bool) {
        guard let time = race.beginning(of: 0) ?? (isAnswered ? Run.now : nil) else { return }
        latencies.withLock { $0.add(time - race.start) }
    }

    private func run(
        _ race: HedgeRace,
        _ request: Request,
        _ delay: Duration
    ) async -> Result<Response, CollabError> {
        await withTaskGroup(of: HedgeRace.Event.self) { group in
            group.addTask { await race.attempt(0, base, request) }
            group.addTask {
                do throws(CollabError) { try await Run.sleep(for: delay) } catch { return .calledOff }
                return .timeUp
            }
            var (underWay, failures) = (1, [CollabError?.none, nil])
            var result: Result<Response, CollabError>?
            while let event = await group.next() {
                switch event {
                case .timeUp:
                    guard result == nil, underWay > 0, race.winner == nil, budget.withdraw(at: Run.now) else {
                        continue
                    }
                    Run.note("hedged", "\(spare.name) was asked as well after \(delay.inMilliseconds)")
                    underWay += 1
                    group.addTask { await race.attempt(1, spare, request) }
                case .calledOff:
                    continue
                case .ended(let index, .success(let response)):
                    underWay -= 1
                    guard result == nil, race.claim(index) else { continue }
                    if index == 1 { Run.note("winner", "the second call") }
                    result = .success(response)
                    group.cancelAll()
                case .ended(let index, .failure(let error)):
                    underWay -= 1
                    guard result == nil else { continue }
                    if race.winner == index || !error.isSurvivable && race.winner == nil {
                        result = .failure(error)
                        group.cancelAll()
                    } else {
                        failures[index] = error
                        // Whoever wrote first decides; if nobody did, the call that was made first says why.
                        if underWay == 0 {
                            result = .failure(failures[0] ?? error)
                            group.cancelAll()
                        }
                    }
                }
            }
            return result ?? .failure(.cancelled)
        }
    }
}

/// Two calls of which the first to write is the one that is heard.
final class HedgeRace: Sendable {
    enum Event: Sendable {
        case timeUp
        case calledOff
        case ended(Int, Result<Response, CollabError>)
    }

    private struct State: Sendable {
        var winner: Int?
        var beginnings: [Duration?] = [nil, nil]
        var cancels: [(@Sendable () -> Void)?] = [nil, nil]
    }

    let start: Duration
    private let sink: ResponseSink
    private let state = Protected(State())

    init(sink: ResponseSink, start: Duration) {
        self.sink = sink
        self.start = start
    }

    var winner: Int? { state.withLock { $0.winner } }
    func beginning(of index: Int) -> Duration? { state.withLock { $0.beginnings[index] } }

    /// Makes one the winner, unless the other is already, and cancels the other.
    func claim(_ index: Int) -> Bool {
        let (isWinner, cancel) = state.withLock { state -> (Bool, (@Sendable () -> Void)?) in
            if let winner = state.winner { return (winner == index, nil) }
            state.winner = index
            return (true, state.cancels[1 - index])
        }
        cancel?()
        return isWinner
    }

    /// Where a call writes to: what the loser writes is not heard.
    func entrance(of index: Int) -> ResponseSink {
        ResponseSink(isDiscarding: sink.isDiscarding) { [self] piece in
            let now = Run.now
            state.withLock { state in
                if state.beginnings[index] == nil { state.beginnings[index] = now }
            }
            if claim(index) { await sink.send(piece) }
        }
    }

    /// Makes a call in a task of its own, so that it can be cancelled alone.
    func attempt(_ index: Int, _ model: any TextModel, _ request: Request) async -> Event {
        let task = Task { () async -> Result<Response, CollabError> in
            do throws(CollabError) {
                return .success(try await model.respond(to: request, into: entrance(of: index)))
            } catch {
                return .failure(error)
            }
        }
        let isLost = state.withLock { state in
            state.cancels[index] = { task.cancel() }
            return state.winner.map { $0 != index } ?? false
        }
        if isLost { task.cancel() }
        return await withTaskCancellationHandler {
            .ended(index, await task.value)
        } onCancel: {
            task.cancel()
        }
    }
}

extension TextModel {
    /// The same model, asked a second time if it is slow to begin.
    ///
    /// - Parameters:
    ///   - hedge: after how long, and how often.
    ///   - spare: who is asked second; `nil`: the same model, which helps where it stands for several servers.
    public func hedged(_ hedge: Hedge = Hedge(), with spare: (any TextModel)? = nil) -> HedgedModel {
        HedgedModel(base: self, spare: spare ?? self, hedge: hedge)
    }

    /// The same model, asked a second time if it has not begun to answer by then.
    public func hedged(
        after delay: Hedge.Delay,
        share: Double = 0.05,
        with spare: (any TextModel)? = nil
    ) -> HedgedModel {
        hedged(Hedge(after: delay, share: share), with: spare)
    }
}

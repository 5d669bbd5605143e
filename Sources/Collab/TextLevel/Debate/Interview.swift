/// Asks seats side by side, and measures how sure each is of what it says.
struct Interview {
    /// What was said, and how sure the speaker is.
    struct Reply: Sendable {
        var response: Response
        /// `nil` if it could not be measured.
        var confidence: Double?
        /// The end of the budget, if it came before the confidence was measured: what was said is paid for.
        var exhaustion: CollabError?
    }

    /// How sure a speaker is of what it says.
    let confidence: ConfidenceSignal
    /// How long speakers are waited for; `nil`: as long as it takes.
    var patience: Duration?
    /// Whether the first answer is enough.
    var endsAtFirst = false

    /// Asks; the outcomes are in the order of the turns.
    func hold(_ turns: [(seat: Seat, request: Request)]) async -> [Result<Reply, CollabError>] {
        let signal = confidence
        return await outcomes(of: turns) { (turn) async throws(CollabError) in
            var request = turn.seat.addressed(turn.request)
            request.options.alternatives = max(request.options.alternatives, signal.alternatives)
            let response = try await turn.seat.model.respond(to: request)
            let evidence = ConfidenceSignal.Evidence(
                request: request,
                response: response,
                model: turn.seat.model
            )
            do throws(CollabError) {
                return Reply(response: response, confidence: try await signal.measure(evidence))
            } catch {
                if error.code == .budgetExhausted { return Reply(response: response, exhaustion: error) }
                guard error.isSurvivable else { throw error }
                Run.note("confidence", "not measured for \(turn.seat.name): \(error.code)")
                return Reply(response: response)
            }
        }
    }

    private typealias Asked = (seat: Seat, request: Request)

    /// The outcomes of asking, side by side, of those who are waited for; whoever is called off has failed.
    private func outcomes(
        of turns: [Asked],
        _ ask: @escaping @Sendable (Asked) async throws(CollabError) -> Reply
    ) async -> [Result<Reply, CollabError>] {
        guard !turns.isEmpty, patience != nil || endsAtFirst else {
            return await concurrentOutcomes(turns, ask)
        }
        let patience = patience
        let (outcomes, isOver) = await withTaskGroup(of: (Int, Result<Reply, CollabError>)?.self) { group in
            for (index, turn) in turns.enumerated() {
                group.addTask {
                    do throws(CollabError) { return (index, .success(try await ask(turn))) } catch {
                        return (index, .failure(error))
                    }
                }
            }
            if let patience {
                group.addTask {
                    // Cut short where everybody has answered, or the caller has left.
                    try? await Run.sleep(for: patience)
                    return nil
                }
            }
            var outcomes = [Result<Reply, CollabError>?](repeating: nil, count: turns.count)
            var (open, isOver) = (turns.count, false)
            while open > 0, let next = await group.next() {
                guard let (index, outcome) = next else {
                    isOver = isOver || !Task.isCancelled
                    group.cancelAll()
                    continue
                }
                outcomes[index] = outcome
                open -= 1
                if endsAtFirst, case .success = outcome {
                    isOver = true
                    group.cancelAll()
                }
            }
            group.cancelAll()
            return (outcomes.map { $0 ?? .failure(.cancelled) }, isOver)
        }
        guard isOver, !Task.isCancelled else { return outcomes }
        return zip(turns, outcomes).map { turn, outcome in
            guard case .failure(let error) = outcome, error.code == .cancelled else { return outcome }
            let reason = endsAtFirst ? "another member has answered" : "the time for a round was up"
            return .failure(
                CollabError(.timeout, "\(turn.seat.name) was called off: \(reason).", cause: error)
            )
        }
    }
}

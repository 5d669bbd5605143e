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

    /// Asks; the outcomes are in the order of the turns.
    func hold(_ turns: [(seat: Seat, request: Request)]) async -> [Result<Reply, CollabError>] {
        let signal = confidence
        return await concurrentOutcomes(turns) { (turn) async throws(CollabError) in
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
}

import Collab

extension CollaborationConformance {
    /// Wherever the budget ends, the best answer so far is given, and marked; before there is any, the error is.
    public func budgets() async -> [Violation] {
        var found: [Violation] = []
        for limit in 0..<calls {
            let promise = "a budget of \(limit) of \(calls) calls"
            let (table, outcome, sent) = await hold(budget: .calls(limit))
            if table.received > limit { found += violated(promise, "\(table.received) calls were made") }
            switch outcome {
            case .success(let response):
                if response.ending != .budgetExhausted {
                    found += violated(promise, "the answer ends as \(response.ending)")
                }
                if sent != response.text { found += violated(promise, "“\(sent)” was sent") }
                if !table.records.contains(where: {
                    $0.text.contains(response.text) || response.text.contains($0.text)
                }) {
                    found += violated(promise, "nobody has said “\(response.text)”")
                }
            case .failure(let error):
                if error.code != .budgetExhausted || limit >= answersAfter {
                    found += violated(promise, "it failed with \(error)")
                }
            }
        }
        return found
    }

    /// Whichever call is under way when the task is cancelled, the run ends as cancelled and leaves nothing running.
    public func cancellations() async -> [Violation] {
        var found: [Violation] = []
        for number in 0..<calls {
            let promise = "cancellation in call \(number)"
            let gate = Gate()
            let active = Protected<(@Sendable () -> Int)?>(nil)
            let task = Task { [self] in
                let held = await hold(before: { (call) async throws(CollabError) in
                    guard call.number == number else { return }
                    await gate.wait()
                    if Task.isCancelled { throw .cancelled }
                })
                active.withLock { $0 = { held.table.active } }
                return held.outcome
            }
            await gate.waitForWaiter(orUntilFinished: task)
            task.cancel()
            gate.open()
            switch await task.value {
            case .success: found += violated(promise, "the run ended with an answer")
            case .failure(let error) where error.code != .cancelled:
                found += violated(promise, "the run ended with \(error)")
            case .failure: break
            }
            if let running = active.withLock({ $0?() }), running > 0 {
                found += violated(promise, "\(running) calls were still running")
            }
        }
        return found
    }

    private static let failure = CollabError(.serverError, "An injected failure.")

    /// A member that always fails is done without, unless nothing comes about without it.
    public func failingMembers() async -> [Violation] {
        var found: [Violation] = []
        for member in members.indices {
            let (_, outcome, _) = await hold(before: { (call) async throws(CollabError) in
                if call.member == member { throw Self.failure }
            })
            let promise = "a run in which \(members[member]) fails"
            switch outcome {
            case .success where essential.contains(member):
                found += violated(promise, "gave an answer although nothing can come about without it")
            case .failure(let error) where error.code != .serverError:
                found += violated(promise, "ended with \(error)")
            case .failure(let error) where !essential.contains(member):
                found += violated(promise, "failed: \(error)")
            default: break
            }
        }
        return found
    }

    /// Whichever single call fails, the run gives an answer or says which failure it was.
    public func failingCalls() async -> [Violation] {
        var found: [Violation] = []
        for number in 0..<calls {
            let (table, outcome, _) = await hold(before: { (call) async throws(CollabError) in
                if call.number == number { throw Self.failure }
            })
            if case .failure(let error) = outcome, error.code != .serverError {
                found += violated("a run in which call \(number) fails", "ended with \(error)")
            }
            if table.active > 0 {
                found += violated("a run in which call \(number) fails", "left \(table.active) calls running")
            }
        }
        return found
    }

    /// What cannot be read never wins against what can, and nothing readable at all is no reason to fail.
    public func unreadableAnswers() async -> [Violation] {
        let noise = "Hm, who knows"
        var found: [Violation] = []
        for member in members.indices where readsAnswers && !essential.contains(member) {
            let (_, outcome, _) = await hold(instead: { $0.member == member ? noise : nil })
            let promise = "a run in which nothing of what \(members[member]) says can be read"
            switch outcome {
            case .success(let response) where response.text.contains(noise):
                found += violated(promise, "answered with just that")
            case .failure(let error): found += violated(promise, "failed: \(error)")
            default: break
            }
        }
        let (_, outcome, _) = await hold(instead: { _ in noise })
        if case .failure(let error) = outcome, error.code != .unparsed {
            found += violated("a run in which nothing can be read", "failed: \(error)")
        }
        return found
    }
}

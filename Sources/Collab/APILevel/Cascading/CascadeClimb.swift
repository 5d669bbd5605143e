/// The state of a cascade while it climbs from member to member.
struct CascadeClimb {
    let acceptance: (Int) -> Acceptance
    let request: Request
    private(set) var drafts: [Draft]
    private(set) var accepted: Draft?
    private(set) var best: Draft?
    private var steps: [(seat: Seat, confidence: Double?, remark: String)] = []
    private var failures: [CollabError] = []
    private var threshold: Double?
    /// The rule that the last answer was held against.
    private var rule = ""

    init(acceptance: @escaping (Int) -> Acceptance, request: Request, drafts: [Draft]) {
        self.acceptance = acceptance
        self.request = request
        self.drafts = drafts
    }

    /// Asks a member and judges its answer; returns whether the answer was accepted.
    ///
    /// Only cancellation, an exhausted budget, and the failure of a member that has already written are thrown.
    mutating func ask(_ seat: Seat, into sink: ResponseSink, isLast: Bool) async throws(CollabError) -> Bool {
        let acceptance = acceptance(seat.index)
        rule = acceptance.description
        var asked = seat.addressed(request)
        asked.options.alternatives = max(asked.options.alternatives, acceptance.alternatives)
        let output = CountingSink(sink)
        let response: Response
        do throws(CollabError) {
            let entrance = sink.isDiscarding ? sink : output.entrance
            response = try await seat.model.respond(to: asked, into: entrance)
        } catch {
            guard error.isSurvivable, output.isEmpty else { throw error.within(seat.name) }
            failures.append(error.within(seat.name))
            steps.append((seat, nil, "failed (\(error.code))"))
            return false
        }
        let evidence = ConfidenceSignal.Evidence(
            request: asked,
            response: response,
            model: seat.model,
            earlier: drafts
        )
        var draft = Draft(author: seat.name, response: response, origin: "cascade")
        let verdict: Acceptance.Verdict
        do throws(CollabError) { verdict = try await acceptance.judge(evidence) } catch {
            // The answer is there and paid for, though nobody knows how sure it is.
            drafts.append(draft)
            best = best ?? draft
            guard error.isPassing else { throw error }
            steps.append((seat, nil, "could not be judged (\(error.code): \(error.message))"))
            return false
        }
        draft.confidence = verdict.confidence
        drafts.append(draft)
        steps.append((seat, verdict.confidence, verdict.reason))
        threshold = threshold ?? verdict.threshold
        if verdict.isAccepted { accepted = draft }
        if verdict.isAccepted || best.map({ isBetter(draft, than: $0) }) ?? true { best = draft }
        return verdict.isAccepted
    }

    /// A measured confidence beats an unmeasured one; of two unmeasured ones the later, dearer member's is better.
    private func isBetter(_ draft: Draft, than best: Draft) -> Bool {
        guard let confidence = draft.confidence else { return best.confidence == nil }
        return confidence > best.confidence ?? -.infinity
    }

    /// Records who was asked, how sure each was, and what followed.
    func recordDecision(choosing draft: Draft?, wasAccepted: Bool) {
        let story = steps.map { "\($0.seat.name): \($0.remark)" }.joined(separator: "; ")
        let choice =
            if let draft { wasAccepted ? draft.author : "\(draft.author) (not accepted)" } else { "nobody" }
        Run.record(
            Decision(
                choice: choice,
                reason: story,
                scores: steps.map { step in
                    let price = PriceEstimate(ofAnswerBy: [step.seat.model.profile], to: request)
                    return Decision.Score(step.seat.name, step.confidence, price: price)
                },
                threshold: threshold,
                asked: draft?.author,
                rule: rule
            )
        )
        Run.record(confidence: draft?.confidence)
        if !wasAccepted { Run.note("accepted", "no: no answer met “\(rule)”") }
    }

    /// The error when no member answered.
    func everybodyFailed() -> CollabError {
        CollabError(
            failures.last?.code ?? .emptyTeam,
            "No member of the cascade answered; the last failure is the cause.",
            cause: failures.last
        )
    }
}

extension CollabError {
    /// Whether another member may still succeed: not if the task was cancelled or the run's budget is used up.
    var isSurvivable: Bool { code != .cancelled && code != .budgetExhausted }

    /// Whether others can go on after it, since it is no mistake of the program's, which would be hidden.
    var isPassing: Bool { isSurvivable && code != .invalidRequest && code != .emptyTeam }
}

/// One member answers; only if it is not sure, all debate.
///
/// Eo et al. 2025, “Debate Only When Necessary” (DOWN): up to six times cheaper at equal accuracy. The confidence is the
/// mean probability of the answer's tokens, or stated in words where tokens are not told; a confidence that could not be
/// measured is never taken for sureness.
///
/// Defaults: the first member answers; above 0.8 its answer stands; two rounds of debate and a vote. Deviation: the answer
/// takes part in the debate as any other; the threshold is the program's to calibrate (``CalibratedThreshold``), theirs
/// differs by model. Calls, with c calls to measure the confidence: 1 + c to n (1 + rounds) + c.
public struct DebateWhenNeeded: Procedure {
    /// The confidence above which the first answer stands.
    public var threshold: Double
    /// Who answers first.
    public var speaker: Appointment
    /// How sure it is.
    public var confidence: ConfidenceSignal
    /// How the debate is held.
    public var debate: DebateRules

    /// Makes a debate that is held when needed.
    public init(
        above threshold: Double = 0.8,
        speaker: Appointment = .first,
        confidence: ConfidenceSignal = .meanTokenProbability,
        debating debate: DebateRules = DebateRules()
    ) {
        self.threshold = threshold
        self.speaker = speaker
        self.confidence = confidence
        self.debate = debate
    }

    /// What to call it in traces.
    public var name: String { "debate when needed" }
    /// Whoever answers first, and whoever the debate's rules ask.
    public var appointments: [Appointment] {
        [speaker] + (debate.consulted + confidence.models).map(Appointment.model)
    }
    /// The debate's.
    public var rules: MeetingRules {
        MeetingRules(
            answers: debate.answers,
            quorum: debate.quorum,
            aggregation: debate.aggregation,
            ties: debate.ties,
            settling: debate.settling == .onAgreement ? .always : debate.settling
        )
    }

    /// One answer and its confidence at least; the whole debate at most.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let held = Debate(debate).callRange(teamSize: members).upperBound
        let measuring = confidence.callRange
        let most = held + measuring.upperBound + (speaker.outsider == nil ? 0 : 1)
        return min(1 + measuring.lowerBound, most)...most
    }

    /// Lets one answer, and all debate if it is not sure.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let place = try meeting.place(of: speaker)
        let first = try await meeting.open(with: place)
        let sureness = try await meeting.confidence(in: first, by: confidence)
        let decision = Decision(
            choice: first.speaker,
            reason: sureness.map { $0 > threshold ? "sure enough" : "not sure enough" }
                ?? "its confidence was not measured",
            scores: [Decision.Score(first.speaker, sureness)],
            threshold: threshold
        )
        if let sureness, sureness > threshold, first.answer.isParsed {
            var conclusion = Conclusion(first, isAgreed: true, because: decision)
            conclusion.confidence = sureness
            return conclusion
        }
        Run.note("debate", "needed: \(decision.reason)")
        let verdict = try await meeting.debate(debate)
        return try await meeting.vote(over: debate.ballots, after: verdict?.rule ?? "the debate")
    }
}

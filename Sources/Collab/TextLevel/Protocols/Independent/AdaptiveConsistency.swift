/// Samples one after the other, and stops as soon as the evidence is enough.
///
/// Aggarwal et al. 2023, “Adaptive-Consistency”: stops where the most frequent answer would, with a probability above 0.95,
/// stay so (``Stopping/betaPosterior(above:)``), after 40 samples at most. Their other rules are ``Stopping/entropy(atMost:)``
/// (normalised, 0.75) and ``Stopping/share(above:)`` (0.8).
///
/// Members of a team are asked in turn, a sample each. Deviations: rules are asked from the second answer on, since a single
/// one always agrees with itself; it also stops where the samples that are left could not overtake the leader. A call that
/// fails is reported and passed over. Calls: 1 to n · samples; with the default rule at least 4 where samples are many.
public struct AdaptiveConsistency: Procedure {
    /// How often each member is asked at most.
    public var copies: Int
    /// When the evidence is enough.
    public var stopping: Stopping
    /// How answers are read and counted.
    public var rules: MeetingRules

    /// Makes an adaptive vote.
    public init(
        samples: Int = 40,
        answers: AnswerFormat = .freeText,
        until stopping: Stopping = .betaPosterior()
    ) {
        copies = samples
        self.stopping = stopping
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "adaptive consistency" }
    /// Whoever the rule asks.
    public var appointments: [Appointment] { stopping.models.map(Appointment.model) }
    /// One call at least, all samples and what the rule asks after each at most.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let most = callCount(members, copies, 1 + stopping.models.count)
        return min(1, most)...most
    }

    /// Throws ``CollabError/Code/invalidRequest`` if nobody would be asked.
    public func validate(teamOf members: Int) throws(CollabError) {
        if copies < 1 {
            throw CollabError(.invalidRequest, "A vote of \(copies) samples decides nothing; take 1 or more.")
        }
    }

    /// Asks until the evidence is enough.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let team = meeting.members.count / copies
        let places = (0..<copies).flatMap { sample in (0..<team).map { $0 * copies + sample } }
        var rule = "all samples"
        var failure: CollabError?
        for (asked, place) in places.enumerated() {
            do throws(CollabError) { try await meeting.open(with: place) } catch {
                guard error.isSurvivable else { throw error }
                failure = error
            }
            let heard = meeting.table.latest.count
            if heard >= 2, let verdict = try await stopping.verdict(on: meeting.table, of: meeting.request) {
                rule = verdict.rule
                break
            }
            let candidates = meeting.tally(over: .last).candidates
            // Where a vote may weigh more than one, nobody knows what those that are left will weigh.
            let isCounted = candidates.allSatisfy { $0.weight == Double($0.ballots.count) }
            let counts = candidates.map(\.weight).sorted(by: >)
            let lead = (counts.first ?? 0) - (counts.dropFirst().first ?? 0)
            if isCounted, heard >= 2, lead > Double(places.count - asked - 1) {
                rule = "a lead that cannot be overtaken"
                break
            }
        }
        if meeting.table.statements.isEmpty, let failure { throw failure }
        Run.note("ended by", "\(rule), after \(meeting.table.latest.count) answers")
        return try await meeting.vote(over: .last, after: rule)
    }
}

/// Each member answers several times; the one that agrees with itself most often speaks for all.
///
/// Wang et al. 2025, “SLM-MUX”: five samples at a low temperature; confidence is the share of a member's most frequent
/// answer among its samples; ties go to the member that is more often right. It lets one confident model override a wrong
/// majority, where a vote over all samples would not.
///
/// Deviations: samples that cannot be read count against their member's share; without a calibration ties go by the tie
/// rule. Calls: n · samples.
public struct MostSelfConsistent: Procedure {
    /// How often each member is asked.
    public var copies: Int
    /// Breaks ties between members; `nil`: the tie rule does.
    public var calibration: Calibration?
    /// How answers are read.
    public var rules: MeetingRules

    /// Makes a choice of the most self-consistent member.
    public init(samples: Int = 5, answers: AnswerFormat = .freeText, calibration: Calibration? = nil) {
        copies = samples
        self.calibration = calibration
        rules = MeetingRules(answers: answers, quorum: .atLeast(1), sampling: .temperature(0.3))
    }

    /// What to call it in traces.
    public var name: String { "most self-consistent" }
    /// One call a member and sample.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let count = callCount(members, copies)
        return count...count
    }

    /// Throws ``CollabError/Code/invalidRequest`` if nobody would be asked.
    public func validate(teamOf members: Int) throws(CollabError) {
        if copies < 1 {
            throw CollabError(.invalidRequest, "\(copies) samples show no consistency; take 1 or more.")
        }
    }

    /// Samples every member and takes the steadiest one's answer.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let said = try await meeting.open()
        var speakers: [Statement] = []
        var shares: [Double] = []
        for first in stride(from: 0, to: said.count, by: copies) {
            let ballots = said[first..<min(first + copies, said.count)].compactMap { $0 }.map {
                Ballot(member: $0.member, name: $0.speaker, answer: $0.answer, confidence: $0.confidence)
            }
            let tally = Aggregation.plurality.count(ballots, ties: meeting.rules.ties)
            guard let winner = tally.winner else { continue }
            let supporters = tally.candidates[winner].ballots
            let place = supporters.max {
                ($0.confidence ?? -1, -$0.member) < ($1.confidence ?? -1, -$1.member)
            }
            guard let place, let speaker = said[place.member] else { continue }
            speakers.append(speaker)
            shares.append(Double(supporters.count) / Double(copies))
        }
        guard !speakers.isEmpty else { return try await meeting.vote(over: .last) }
        let worth = zip(speakers, shares).map { speaker, share in
            // Accuracies lie between 0 and 1 and shares are multiples of 1 / copies, so this only breaks ties.
            share + (calibration?[speaker.speaker]?.accuracy ?? 0) / Double(copies + 1) / 2
        }
        let best = meeting.ranked(speakers, by: worth)[0]
        var conclusion = Conclusion(
            best,
            isAgreed: meeting.isUnanimous,
            because: Decision(
                choice: best.speaker,
                reason: "\(best.speaker) gave the same answer most often of its \(copies) samples",
                scores: zip(speakers, shares).map { Decision.Score($0.speaker, $1) }
            )
        )
        conclusion.confidence = speakers.firstIndex { $0.member == best.member }.map { shares[$0] }
        return conclusion
    }
}

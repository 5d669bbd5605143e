/// What share of a population gives each answer: members are sampled, and their answers' shares are mixed by weight.
///
/// Distributional pluralism (Sorensen et al. 2024; Feng et al. 2024, “Modular Pluralism”): the aim is the distribution, not
/// its peak, so nothing is voted on. With w_m the weight of member m and p_m(a) the share of answer a among its samples
/// that could be read, the share of a is Σ w_m p_m(a) / Σ w_m, over members with such a sample. The answer is a line for each
/// answer, most frequent first; ``distribution(of:)`` reads the shares from a trace.
///
/// Defaults: one sample a member, equal weights. Calls: n · samples.
public struct Distributional: Procedure {
    /// How often each member is asked.
    public var copies: Int
    /// What members weigh, by name; 1 without one.
    public var weights: [String: Double]
    /// How answers are read, and who must answer.
    public var rules: MeetingRules

    /// Makes a survey.
    public init(samples: Int = 1, answers: AnswerFormat, weights: [String: Double] = [:]) {
        copies = samples
        self.weights = weights
        rules = MeetingRules(answers: answers, sampling: .temperature(1))
    }

    /// What to call it in traces.
    public var name: String { "distributional" }
    /// One call a member and sample.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let count = callCount(members, copies)
        return count...count
    }

    /// Throws ``CollabError/Code/invalidRequest`` if nobody would be asked, or a weight is no weight.
    public func validate(teamOf members: Int) throws(CollabError) {
        if copies < 1 {
            throw CollabError(.invalidRequest, "A survey of \(copies) samples says nothing; take 1 or more.")
        }
        if let wrong = weights.values.first(where: { !($0 >= 0 && $0.isFinite) }) {
            throw CollabError(
                .invalidRequest,
                "The weight \(wrong) of a member is not a finite number from 0."
            )
        }
    }

    /// Asks, and mixes the shares.
    ///
    /// Throws ``CollabError/Code/unparsed`` if no answer could be read.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let said = try await meeting.open()
        var shares: [Answer: Double] = [:]
        var (order, total, unread): ([Answer], Double, Int) = ([], 0, 0)
        for first in stride(from: 0, to: said.count, by: copies) {
            let answers = said[first..<min(first + copies, said.count)].compactMap { $0?.answer }
            let read = answers.filter(\.isParsed)
            unread += answers.count - read.count
            let weight = weights[meeting.members[first]] ?? 1
            if read.isEmpty || weight == 0 { continue }
            total += weight
            for answer in read {
                if shares[answer] == nil { order.append(answer) }
                shares[answer, default: 0] += weight / Double(read.count)
            }
        }
        guard total > 0 else {
            throw CollabError(
                .unparsed,
                "None of \(said.count) answers could be read as \(meeting.rules.answers)."
            )
        }
        if unread > 0 { Run.note("unparsed", unread) }
        let scored = order.map { (answer: $0, share: (shares[$0] ?? 0) / total) }
        let sorted = scored.enumerated().sorted {
            ($0.element.share, -$0.offset) > ($1.element.share, -$1.offset)
        }
        .map(\.element)
        let text = sorted.map { "\($0.answer): \($0.share.rounded(toPlaces: 3))" }.joined(separator: "\n")
        return Conclusion(
            Response(text: text, model: name),
            because: Decision(
                choice: "distribution",
                reason: "shares over \(said.count) answers",
                scores: sorted.map { Decision.Score($0.answer.description, $0.share) }
            )
        )
    }

    /// The shares that a run of the procedure has found, most frequent answer first; `nil` if the trace has none.
    public static func distribution(of trace: Trace) -> [Decision.Score]? {
        trace.nodes.lazy.flatMap(\.decisions).first { $0.choice == "distribution" }?.scores
    }
}

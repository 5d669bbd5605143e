/// Samples are merged a few at a time: an aggregator writes an answer from the first window of proposals, then from that
/// answer and the next ones, until all have been read.
///
/// Li et al. 2025, “Rethinking Mixture-of-Agents”: Self-MoA samples the single best model (which often beats mixing models,
/// since quality counts more than diversity), and its sequential form reads more samples than fit a context. A window as
/// large as the number of proposals is plain self-mixture. Mixtures of different models in layers are ``Mixture``.
///
/// Defaults: six samples, windows of three, the last member aggregates. Calls for p = n · samples proposals: p, and
/// ⌈(p − 1) / (window − 1)⌉ to aggregate.
public struct SequentialMixture: Procedure {
    /// How often each member proposes.
    public var copies: Int
    /// How many texts the aggregator reads at a time, its own last answer among them; 2 or more.
    public var window: Int
    /// Who aggregates.
    public var aggregator: Appointment
    /// How answers are read, and who must answer.
    public var rules: MeetingRules
    /// How the aggregator is asked; `nil`: by the standard prompts in the rules' wording.
    public var prompts: MixturePrompts?

    /// Makes a sequential mixture.
    public init(
        samples: Int = 6,
        window: Int = 3,
        aggregator: Appointment = .last,
        prompts: MixturePrompts? = nil
    ) {
        copies = samples
        self.window = window
        self.aggregator = aggregator
        self.prompts = prompts
        rules = MeetingRules(quorum: .atLeast(1))
    }

    /// What to call it in traces.
    public var name: String { "sequential mixture" }
    /// The aggregator.
    public var appointments: [Appointment] { [aggregator] }

    /// The proposals, and one call for each window; fewer if proposals fail.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let proposals = callCount(members, copies)
        let most = proposals + windows(over: proposals)
        return proposals...most
    }

    private func windows(over proposals: Int) -> Int {
        proposals > 1 ? (proposals - 2) / max(window - 1, 1) + 1 : 0
    }

    /// Throws ``CollabError/Code/invalidRequest`` if nobody would propose, or windows would never move on.
    public func validate(teamOf members: Int) throws(CollabError) {
        if copies < 1 || window < 2 {
            throw CollabError(
                .invalidRequest,
                "A mixture of \(copies) samples in windows of \(window) gets nowhere; take 1 or more in windows of 2 or more."
            )
        }
    }

    /// Proposes, then aggregates window by window; the last answer is streamed.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let writer = try meeting.place(of: aggregator)
        let prompts = prompts ?? .standard(in: rules.wording)
        let proposals = try await meeting.open().compactMap { $0 }
        guard var current = proposals.first?.text else {
            throw CollabError(.emptyTeam, "Nobody has answered.")
        }
        if proposals.count == 1 { return Conclusion(proposals[0], isAgreed: true) }
        var (read, synthesis) = (1, Optional<Response>.none)
        while read < proposals.count {
            let next = proposals[read..<min(read + window - 1, proposals.count)]
            let isLast = next.endIndex == proposals.count
            let texts = ([current] + next.map(\.text)).map(meeting.excerpt)
            let heard = (synthesis == nil ? [proposals[0].member] : [writer]) + next.map(\.member)
            let question = Meeting.Question(
                to: writer,
                prompts.synthesis(meeting.request, texts),
                hearing: heard
            )
            if isLast { return try await meeting.write("aggregation", question) }
            let response = try await meeting.remark("aggregation", question)
            meeting.leading = meeting.statement(response, by: writer)
            (current, synthesis) = (response.text, response)
            read = next.endIndex
        }
        throw CollabError(.emptyTeam, "Nobody has aggregated the proposals.")
    }
}

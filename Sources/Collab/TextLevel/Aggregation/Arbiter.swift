/// Whoever decides between the answers of members who disagree, by asking models: a judge, a panel of judges, a writer.
public protocol Arbiter: Sendable {
    /// The models that are asked; what they have in common counts for where requests go (``ModelProfile``).
    var models: [any TextModel] { get }
    /// How many calls deciding between so many answers takes at most.
    func callCount(forAnswers count: Int) -> Int
    /// Decides.
    func rule(on dispute: Dispute) async throws(CollabError) -> Ruling
}

/// What an ``Arbiter`` decides on.
public struct Dispute: Sendable {
    /// What was asked.
    public var request: Request
    /// The answers, two or more, in the order in which they were first given, with their votes.
    public var candidates: [Tally.Candidate]

    /// Makes a dispute.
    public init(request: Request, candidates: [Tally.Candidate]) {
        self.request = request
        self.candidates = candidates
    }

    /// The text that stands for each answer: that of the surest vote for it (ties: the first one).
    public var texts: [String] {
        candidates.map { candidate in
            var best: Ballot?
            for ballot in candidate.ballots
            where best == nil || ballot.confidence ?? -1 > best?.confidence ?? -1 { best = ballot }
            return best?.text ?? candidate.answer.description
        }
    }
}

/// What an ``Arbiter`` decided.
public enum Ruling: Sendable {
    /// How much each answer weighs; equal weights at the top are a tie, which the tie rule breaks.
    case weights([Double])
    /// An answer of its own.
    case answer(Response)
}

extension Aggregation {
    /// How many calls the rule makes at most where so many members vote.
    func callCount(forBallots count: Int) -> Int {
        count > 1 ? arbiter?.callCount(forAnswers: count) ?? 0 : 0
    }

    /// Counts votes, and asks the arbiter where there are several answers.
    ///
    /// An arbiter that cannot answer, or whose own answer cannot be read, leaves the vote as it is, which the trace says;
    /// the end of the budget and cancellation are thrown.
    ///
    /// - Parameter format: how an answer of the arbiter's own is read.
    public func decide(
        _ ballots: [Ballot],
        on request: Request,
        ties: TieRule,
        reading format: AnswerFormat = .freeText
    ) async throws(CollabError) -> (tally: Tally, response: Response?) {
        var candidates = Self.candidates(of: ballots)
        let counted = count(ballots, ties: ties)
        guard let arbiter, candidates.count > 1 else { return (counted, nil) }
        var ruling: Ruling?
        do throws(CollabError) {
            var decided: Ruling?
            let dispute = Dispute(request: request, candidates: candidates)
            try await Run.stage(description) { () async throws(CollabError) in
                decided = try await arbiter.rule(on: dispute)
            }
            ruling = decided
        } catch {
            guard error.isSurvivable else { throw error }
            Run.note("failed", "\(description): \(error.code)")
        }
        switch ruling {
        case .answer(let response):
            if format.answer(in: response.text).isParsed { return (counted, response) }
            Run.note("failed", "\(description): its answer could not be read as \(format)")
            return (counted, nil)
        case .weights(let weights) where weights.count == candidates.count:
            for index in candidates.indices { candidates[index].weight = Self.usable(weights[index]) }
            return (tally(candidates, unparsed: counted.unparsed, ties: ties), nil)
        default: return (counted, nil)
        }
    }
}

/// Answers that a judge compares in pairs, each pair in both orders.
struct Contest {
    let candidates: [Statement]
    let judge: Int
    let prompt: @Sendable (Request, String, String) -> Request
    private var wins: [Double]
    private var consistent = 0
    private var compared = 0

    init(
        candidates: [Statement],
        judge: Int,
        prompt: @escaping @Sendable (Request, String, String) -> Request
    ) {
        self.candidates = candidates
        self.judge = judge
        self.prompt = prompt
        wins = Array(repeating: 0, count: candidates.count)
    }

    /// Compares all pairs side by side; the candidates, most wins first.
    mutating func full(in meeting: inout Meeting) async throws(CollabError) -> [Statement] {
        let pairs = candidates.indices.flatMap { left in
            candidates.indices.filter { $0 > left }.map { (left, $0) }
        }
        try await compare(pairs, in: &meeting)
        return meeting.ranked(candidates, by: wins)
    }

    /// Lets the winner of each comparison meet the next candidate, in one pass for each of the first places.
    mutating func bubble(_ places: Int, in meeting: inout Meeting) async throws(CollabError) -> [Statement] {
        var order = Array(candidates.indices)
        for place in 0..<min(places, order.count) {
            // The better one of two neighbours moves up; a tie leaves the order as it was.
            for index in stride(from: order.count - 1, to: place, by: -1) {
                let (above, below) = (order[index - 1], order[index])
                let scores = try await compare([(above, below)], in: &meeting)
                if scores[0] < 0.5 { order.swapAt(index - 1, index) }
            }
        }
        return order.map { candidates[$0] }
    }

    /// Compares pairs; for each, what the first of them gets: 1, 0, or ½ for a tie.
    @discardableResult
    private mutating func compare(
        _ pairs: [(Int, Int)],
        in meeting: inout Meeting
    ) async throws(CollabError) -> [Double] {
        guard !pairs.isEmpty else { return [] }
        func question(_ first: Int, _ second: Int) -> Meeting.Question {
            let texts = [first, second].map { meeting.excerpt(candidates[$0].text) }
            return Meeting.Question(
                to: judge,
                prompt(meeting.request, texts[0], texts[1]),
                hearing: [candidates[first].member, candidates[second].member]
            )
        }
        let questions = pairs.flatMap { [question($0.0, $0.1), question($0.1, $0.0)] }
        let verdicts = try await meeting.remarks("comparison", questions).map(Self.preference)
        return pairs.enumerated().map { index, pair in
            let judgement = Judge.Judgement(
                plain: verdicts[2 * index],
                swapped: verdicts[2 * index + 1]?.turned
            )
            let score: Double = judgement.preference.map { $0 == .first ? 1 : 0 } ?? 0.5
            compared += 1
            if judgement.isConsistent { consistent += 1 }
            wins[pair.0] += score
            wins[pair.1] += 1 - score
            return score
        }
    }

    /// Which of the answers shown a reply prefers; `nil` if it cannot be read, or there is none.
    private static func preference(in reply: Response?) -> Judge.Preference? {
        switch reply.flatMap({ AnswerFormat.choice("A"..."B").answer(in: $0.text).value }) {
        case "A": .first
        case "B": .second
        default: nil
        }
    }

    /// Who won, with everybody's wins.
    func decision(for winner: Statement?) -> Decision {
        Decision(
            choice: winner?.speaker ?? "nobody",
            reason: "\(consistent) of \(compared) comparisons came out the same in both orders",
            scores: zip(candidates, wins).map { Decision.Score($0.speaker, $1) }
        )
    }
}

extension Judge.Preference {
    /// The same preference where the answers are shown in the other order.
    fileprivate var turned: Judge.Preference { self == .first ? .second : .first }
}

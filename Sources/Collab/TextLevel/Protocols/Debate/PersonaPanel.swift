/// Members in different roles score the two leading answers, each in both orders of presentation; the better mean wins.
///
/// Chan et al. 2023, “ChatEval”: a panel of personas judges better than one judge, and the same role for all is worse than
/// none. Scores from 1 to 10, mean over the panel, both presentation orders.
///
/// Deviations: the members answer the question first, and only differing answers are judged; a score that cannot be read is
/// none; equal means are a tie. Default personas: a member of the public, a critic, a scientist. Calls: n to 3 n.
public struct PersonaPanel: Procedure {
    /// Who the members are while they judge, in declaration order, again from the first where there are more.
    public var personas: [String]
    /// How answers are read, and who must answer.
    public var rules: MeetingRules
    /// Asks for the scores of the two answers shown.
    public var asksForScores =
        "Score both answers from 1 to 10. Write nothing but two numbers: the score of A, then the score of B."

    /// Makes a panel.
    public init(personas: [String] = Self.standardPersonas, answers: AnswerFormat = .freeText) {
        self.personas = personas
        rules = MeetingRules(answers: answers)
    }

    /// A member of the public, a critic, a scientist.
    public static let standardPersonas = [
        "You are a member of the public: judge whether an answer helps you and is easy to follow.",
        "You are a critic: judge whether an answer is clear, complete and well argued.",
        "You are a scientist: judge whether an answer is correct in every detail.",
    ]

    /// What to call it in traces.
    public var name: String { "persona panel" }
    /// An answer a member, and two judgements a member if they differ.
    public func calls(of members: Int) -> ClosedRange<Int> { members...callCount(3, members) }

    /// Throws ``CollabError/Code/invalidRequest`` without personas.
    public func validate(teamOf members: Int) throws(CollabError) {
        if personas.isEmpty {
            throw CollabError(.invalidRequest, "A persona panel needs a persona; there is none.")
        }
    }

    /// Answers, and judges what differs.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        try await meeting.open()
        let leaders = leaders(in: meeting)
        guard leaders.count == 2 else { return try await meeting.vote(after: "the opening") }
        func question(to place: Int, _ first: Statement, _ second: Statement) -> Meeting.Question {
            let shown = [
                Exhibit("Answer #", meeting.excerpt(first.text), of: ["A"]),
                Exhibit("Answer #", meeting.excerpt(second.text), of: ["B"]),
            ]
            let request = meeting.showing(shown, asksForScores)
                .instructed(meeting.rules.wording(personas[place % personas.count]))
            return Meeting.Question(to: place, request, hearing: [first.member, second.member])
        }
        let questions = meeting.members.indices.flatMap {
            [question(to: $0, leaders[0], leaders[1]), question(to: $0, leaders[1], leaders[0])]
        }
        let replies = try await meeting.remarks("scores", questions)
        var (sums, read) = ([0.0, 0.0], 0)
        for (index, reply) in replies.enumerated() {
            guard let scores = reply.flatMap({ Self.scores(in: $0.text) }) else { continue }
            let isTurned = !index.isMultiple(of: 2)
            sums[0] += isTurned ? scores.1 : scores.0
            sums[1] += isTurned ? scores.0 : scores.1
            read += 1
        }
        Run.note("scores read", "\(read) of \(replies.count)")
        let points = [
            leaders[0].answer: sums[0] / Double(max(read, 1)),
            leaders[1].answer: sums[1] / Double(max(read, 1)),
        ]
        return try meeting.conclude(by: meeting.tally("mean score of both orders", points: points))
    }

    /// The statements for the two answers with the most votes.
    private func leaders(in meeting: Meeting) -> [Statement] {
        let candidates = meeting.tally(over: .last).candidates
        let statements = candidates.compactMap { meeting.spokesman(for: $0.answer) }
        return Array(meeting.ranked(statements, by: candidates.map(\.weight)).prefix(2))
    }

    /// Two numbers from 1 to 10 in the first line that has any.
    static func scores(in text: String) -> (Double, Double)? {
        for line in text.split(whereSeparator: \.isNewline) {
            let numbers = line.split { !($0.isASCII && $0.isNumber) && $0 != "." }.compactMap { Double($0) }
            if numbers.isEmpty { continue }
            guard numbers.count == 2, numbers.allSatisfy({ (1...10).contains($0) }) else { return nil }
            return (numbers[0], numbers[1])
        }
        return nil
    }
}

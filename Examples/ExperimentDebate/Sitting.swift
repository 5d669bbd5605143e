import Collab

/// What was answered to one question: by each member alone, after thinking again by itself, and by the debate.
struct Sitting {
    let question: TruthfulQuestion
    /// The debate, with the right answer.
    let talk: Talk
    /// What each member answered at first, in declaration order.
    let first: [Answer]
    /// What each member answered after thinking again by itself.
    let reflected: [Answer]

    /// Lets the members answer, reflect and debate.
    static func hold(
        _ question: TruthfulQuestion,
        _ models: [any TokenScoring],
        rounds: Int,
        seed: UInt64
    ) async throws(CollabError) -> Sitting {
        let members = models.map { ChoosingModel(base: $0, options: question.options) }
        let rules = DebateRules(
            rounds: rounds,
            answers: question.answers,
            until: .unanimity || .stable,
            prompts: Conversation.exchange(question.text)
        )
        let debate = Debate("debate", rules) { for member in members { member } }
        let opening = Conversation.opening(question.text)
        let answer = try await debate.respond(to: opening, in: Run(seed: seed))
        guard var talk = answer.trace?.talks.first else {
            throw CollabError(.unsupported, "The debate left no trace of a talk.")
        }
        talk.truth = question.right
        let first = talk.answers(after: 0).map { $0 ?? .unparsed }
        var reflected: [Answer] = []
        for (member, own) in zip(members, first) {
            let text = own.value.flatMap(Int.init).map { question.options[$0] } ?? ""
            let again = try await member.respond(to: Conversation.reflection(question.text, own: text))
            reflected.append(question.answers.answer(in: again.text))
        }
        return Sitting(question: question, talk: talk, first: first, reflected: reflected)
    }

    /// Whether an answer is the right one.
    func isRight(_ answer: Answer?) -> Bool { answer == question.right }

    /// What the member held at the end of the debate.
    func final(_ member: Int) -> Answer? {
        let held = talk.answers(after: talk.lastRound)
        return held.indices.contains(member) ? held[member] : nil
    }
}

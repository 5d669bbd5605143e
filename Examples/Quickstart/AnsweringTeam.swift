import Collab

/// The team that answers: it is routed to, it cascades, it debates, and it writes up what it found.
///
/// Models of this size have to be shown what an answer looks like, so the members are the two models with worked
/// examples. Each has habits that the others lack, which is what makes asking several of them worth it.
func answeringTeam(small: some LogitModel, large: some LogitModel) -> some TextModel {
    let calculator = small.named("\(small.name) the calculator")
        .system("You are a calculator.")
        .examples(Examples.sums)
        .options { $0.limit(to: 16) }
    let accountant = large.named("\(large.name) the accountant")
        .examples(Examples.sums)
        .options { $0.limit(to: 12) }
    let apprentice = small.named("\(small.name) the apprentice")
        .examples(Examples.sums)
        .options { $0.limit(to: 12) }

    let brief = small.named("\(small.name) in brief")
        .system("You answer questions. Give only the answer, as briefly as you can.")
        .examples(Examples.facts)
        .options { $0.limit(to: 20) }
    let reader = large.named("\(large.name) the reader")
        .examples(Examples.facts)
        .options { $0.limit(to: 20) }
    let teacher = small.named("\(small.name) the teacher")
        .system("You are a teacher. Answer in one short sentence.")
        .options { $0.limit(to: 20) }

    return Pipeline("the team") {
        Route(by: .examples(["arithmetic": Examples.sumQuestions, "facts": Examples.factQuestions])) {
            Team("arithmetic") {
                calculator
                accountant
                apprentice
            }
            Team("facts") {
                brief
                reader
                teacher
            }
        }
        Cascade(until: .confidence(above: 0.9))
        Debate(DebateRules(rounds: 1, ballots: .last, prompts: Hearsay.prompts))
        FuseLogits(.productOfExperts) {
            brief.role("\(small.name) with the findings") { request, drafts in
                Hearsay.question(request, answers: drafts.latest.map(\.text))
            }
            brief.role("\(small.name) without them")
        }
    }
}

extension GenerationOptions {
    /// One line of at most so many tokens.
    fileprivate mutating func limit(to tokens: Int) {
        maximumTokens = tokens
        stopSequences = ["\n"]
    }
}

extension [Draft] {
    /// Each author's last word.
    fileprivate var latest: [Draft] {
        var authors: Set<String> = []
        return reversed().filter { authors.insert($0.author).inserted }.reversed()
    }
}

// Everything that the builders take, in one program; it must compile.

import Collab

struct Blend: LogitStage {
    let name = "Blend"
    func callRange(teamSize: Int) -> ClosedRange<Int> { 1...1 }
    func advance<Access: LogitReadable>(_ deliberation: inout Deliberation<Access>) async throws(CollabError)
    {}
}

func pipelines(
    text: some TextModel,
    logits: some LogitModel,
    weights: some WeightModel,
    several: [any TextModel],
    isCareful: Bool
) {
    let examples = ["sums": ["What is 3 + 4?"], "facts": ["Who wrote Faust?"]]
    _ = Pipeline {
        Route(by: .examples(examples)) {
            Team("sums", for: "questions with numbers") {
                logits; weights
            }
            Team("facts") { logits }
        }
        Cascade(until: .confidence(above: 0.8) || .confidence(.firstTokenMargin, above: 0.5))
        if isCareful {
            Debate(rounds: 2, answers: .numeric, until: .unanimity || .share(above: 0.8) || .stable)
            Blend()
        } else {
            Vote(samples: 3)
        }
        Blend()
    }
    _ = Pipeline {
        Team {
            text
            for model in several { model.named("member") }
            if isCareful { text.system("Be careful.") } else { logits }
        }
        Cascade(until: .confidence(above: 0.8))
        Debate(DebateRules(rounds: 1, topology: .ring, visibility: .complete, order: .sequential))
        Mixture()
    }
    let nested = Cascade(until: .confidence(above: 0.9)) {
        text.retrying(.attempts(2)).timeout(.seconds(10))
        Pipeline {
            Team {
                text; logits
            }; Debate()
        }.named("team").limited(to: 2)
        Vote(samples: 5, answers: .choice("A"..."D")) { logits }.fallback(to: text)
        Mixture(aggregator: logits) {
            text; weights
        }
        BestOf(3) { text }
    }
    _ = Pipeline {
        Team {
            weights; weights
        }
        if isCareful { Merge(.linear()) }
        if isCareful {
            Debate()
        } else {
            Cascade(until: .confidence(above: 0.9))
            Merge(.linear())
            Blend()
        }
        FuseLogits()
    }
    let anybody: any TextModel = nested
    let anyLogits: any LogitModel = logits
    let both: Team<LogitAccess> = Team {
        anyLogits.named("x").system("Be brief.");
        logits.priced(Price(promptPerMillion: 1, completionPerMillion: 2))
    }
    _ = [both.members[0] as any TextModel, anybody.timeout(.seconds(1)).retrying().limited(to: 1)]
    _ = Debate(rounds: 1) {
        anybody; text
    }
    _ = Route(choosing: { $0.question.isEmpty ? nil : "t" }) { Team("t") { anybody } }
    _ = Route(by: .prompted(text)) {
        text; logits; weights
    }
    _ = Route(by: .labels(using: logits)) { text }
}

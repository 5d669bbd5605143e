import Collab

/// A model that answers at once, so that what is left is the orchestration.
struct InstantModel: TextModel {
    let name: String
    let answer: String

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        await sink.send(answer)
        return Response(
            text: answer,
            model: name,
            usage: Usage(promptTokens: 8, completionTokens: 1, calls: 1)
        )
    }
}

/// A way in which models without work of their own are asked together.
enum OrchestrationFlow: String, CaseIterable {
    case single, pipeline, cascade, vote, debate

    /// The flow as a model.
    var model: any TextModel {
        let yes = InstantModel(name: "yes", answer: "42")
        let (no, maybe) = (InstantModel(name: "no", answer: "41"), InstantModel(name: "maybe", answer: "42"))
        switch self {
        case .single: return yes
        case .pipeline:
            return Pipeline {
                Team {
                    yes
                    no
                    maybe
                }
                Vote(answers: .numeric)
            }
        case .cascade:
            return Cascade(until: .accepting("42") { $0.response.text == "42" }) {
                no
                yes
            }
        case .vote:
            return Vote(answers: .numeric) {
                yes
                no
                maybe
            }
        case .debate:
            return Debate(rounds: 2, answers: .numeric) {
                yes
                no
                maybe
            }
        }
    }
}

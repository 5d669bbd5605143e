public import Collab

/// Sends each question to the desk that knows about it, and answers there as cheaply as it can.
///
/// The desk is chosen by what a question has in common with examples; a question that fits none goes to the general
/// desk, which also answers what a clerk is not sure of.
///
/// - Parameters:
///   - desks: for each desk, questions of the kind that it answers.
///   - general: answers what fits no desk.
///   - clerk: makes the model that sits at a desk, given the desk's name.
public func helpDesk(
    desks: [String: [String]],
    general: any TextModel,
    clerk: (String) -> any TextModel
) -> some TextModel {
    let clerks = desks.keys.sorted().map { (desk: $0, model: clerk($0)) }
    return Pipeline("help desk") {
        Route(by: .examples(desks, threshold: 0.15), otherwise: .team("general")) {
            for clerk in clerks {
                Team(clerk.desk) {
                    clerk.model
                    general
                }
            }
            Team("general") { general }
        }
        Cascade(until: .confidence(above: 0.7))
    }
}

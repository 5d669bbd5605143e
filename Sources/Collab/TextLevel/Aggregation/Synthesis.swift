/// A writer who makes one answer of all that differ.
struct Synthesis: Arbiter {
    let writer: any TextModel
    let prompts: MixturePrompts

    var models: [any TextModel] { [writer] }

    func callCount(forAnswers count: Int) -> Int { 1 }

    func rule(on dispute: Dispute) async throws(CollabError) -> Ruling {
        .answer(try await writer.respond(to: prompts.synthesis(dispute.request, dispute.texts)))
    }
}

extension Aggregation {
    /// Where members disagree, a model writes the answer from one text of each: one call.
    public static func synthesis(
        by writer: any TextModel,
        prompts: MixturePrompts = .standard
    ) -> Aggregation {
        Aggregation("synthesis by \(writer.name)", arbiter: Synthesis(writer: writer, prompts: prompts))
    }
}

extension TextModel {
    /// The same model, shown worked examples before every question.
    ///
    /// In a dialogue the examples become earlier turns, after the system message; a text to be continued gets them as
    /// paragraphs in front. Showing the wanted form is the surest way to get it from a small model (Brown et al. 2020,
    /// “Language Models are Few-Shot Learners”).
    public func examples(_ examples: KeyValuePairs<String, String>) -> AdaptedModel<Self> {
        let examples = examples.map { (question: $0.key, answer: $0.value) }
        return AdaptedModel(
            self,
            adapt: { request in
                var request = request
                switch request.input {
                case .completion(let text):
                    let shown = examples.map { "\($0.question)\n\($0.answer)\n\n" }.joined()
                    request.input = .completion(shown + text)
                case .dialogue(var messages):
                    let start = messages.first?.role == .system ? 1 : 0
                    let turns = examples.flatMap { [Message.user($0.question), .assistant($0.answer)] }
                    messages.insert(contentsOf: turns, at: start)
                    request.input = .dialogue(messages)
                }
                return request
            }
        )
    }
}

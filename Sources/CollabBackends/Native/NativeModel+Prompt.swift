public import Collab

extension NativeModel {
    /// The tokens that a request becomes.
    ///
    /// A text to be continued is taken as it stands, after the beginning token if the model was trained with one. A
    /// dialogue is rendered in the model's ``NativeOptions/promptForm``. Names of control tokens in a message are text.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if the request cannot be rendered for this model.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        switch request.input {
        case .completion(let text):
            return try vocabulary.encodePrompt(text, parsingSpecialTokens: false)
        case .dialogue(let messages):
            guard let labels else {
                throw CollabError(.unsupported, "Chat templates are not rendered yet; choose PromptForm.plain().")
            }
            return try vocabulary.encodePrompt(labels.text(of: messages), parsingSpecialTokens: false)
        }
    }

    /// The labels of the plain form, where the model uses it.
    var labels: PromptForm.Labels? {
        switch options.promptForm {
        case .automatic: PromptForm.Labels()
        case .chatTemplate: nil
        case .labelled(let labels): labels
        }
    }
}
